import type { BlobId } from "../inventory/blob-table.ts";
import type { TreeReader, TreeRepository } from "../inventory/from-tree.ts";
import type { RepositoryInventory } from "../inventory/inventory.ts";
import { type Digest, isAlgorithm } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { DoomedLink, DoomedManifest } from "../plan/gc-plan.ts";
import type { Job, Step } from "../storage/removals.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import {
  REPOSITORIES,
  foreignUploadsPath,
  layerLink,
  layersPath,
  manifestsPath,
  repositoryPath,
  revisionLink,
  revisionsPath,
  tagIndexLink,
  tagHistoryPath,
  tagsPath,
} from "../storage/tree.ts";
import { decide } from "./decide.ts";
import {
  type Overlay,
  type RepositoryLook,
  type TreePolicy,
  oldRemains,
  policyFor,
} from "./tree-look.ts";

/** What is to be removed from one repository, judged a moment before that. */
export interface RepositoryRemoval {
  readonly name: RepositoryName;
  /** Those that name others of them, each before what it names: a crash leaves garbage, nothing dangling. */
  readonly indexes: readonly DoomedManifest[];
  /** The others. */
  readonly manifests: readonly DoomedManifest[];
  readonly links: readonly DoomedLink[];
  readonly remains: TreeRepository["remains"];
  readonly removed: boolean;
}

/**
 * Reads a repository again and judges it again, so that nothing goes because of an old look; and nothing
 * goes that the plan has not shown. Null: by now there is nothing to remove.
 */
export async function planRemoval(
  planned: RepositoryLook,
  reader: TreeReader,
  policy: TreePolicy,
  overlay: Overlay | undefined,
): Promise<RepositoryRemoval | null> {
  if (planned.keptWhole !== null) return null;
  const repository = reader.read(planned.name);
  const inventory = (await overlay?.(repository)) ?? repository;
  const verdict = decide(inventory, policyFor(repository, policy));
  if (verdict.whole) return null;
  const { letsGo } = planned;
  const shown = { manifests: new Set(letsGo.manifests), links: new Set(letsGo.links) };
  const was = ({ digest }: { readonly digest: Digest }, among: ReadonlySet<BlobId>): boolean =>
    among.has(reader.blobs.find(digest));
  const manifests = verdict.manifests.filter((one) => was(one, shown.manifests));
  const going = new Set(manifests.map(({ digest }) => digest));
  const staying = new Set(
    inventory.manifests.map(({ digest }) => digest).filter((digest) => !going.has(digest)),
  );
  // A manifest that goes by now, but was not shown, still needs its layers.
  const needed = new Set(
    inventory.manifests
      .filter(({ digest }) => staying.has(digest))
      .flatMap(({ references }) => references.map(({ digest }) => digest)),
  );
  const links = verdict.links.filter(
    (one) => !needed.has(one.digest) && (one.size === null || was(one, shown.links)),
  );
  return {
    name: planned.name,
    ...namingFirst(manifests, inventory),
    links,
    remains: oldRemains(repository, staying, policy),
    removed: planned.removed && verdict.empty,
  };
}

/** Of the indexes, whatever names another stands before it; circles are cut somewhere. */
function namingFirst(
  manifests: readonly DoomedManifest[],
  inventory: RepositoryInventory,
): Pick<RepositoryRemoval, "indexes" | "manifests"> {
  const doomed = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const named = new Map(
    inventory.manifests.map(({ digest, references }) => [
      digest,
      references.filter((one) => doomed.has(one.digest)),
    ]),
  );
  const done: DoomedManifest[] = [];
  const seen = new Set<Digest>();
  for (const { digest } of manifests) {
    // Not by recursion: chains can be long. A digest comes twice: before what it names, and after that.
    const waiting = [{ digest, after: false }];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const manifest = doomed.get(next.digest);
      if (next.after && manifest) done.push(manifest);
      else if (!seen.has(next.digest)) {
        seen.add(next.digest);
        waiting.push({ digest: next.digest, after: true });
        for (const one of named.get(next.digest) ?? []) {
          waiting.push({ digest: one.digest, after: false });
        }
      }
    }
  }
  const isIndex = ({ digest }: DoomedManifest): boolean => (named.get(digest) ?? []).length > 0;
  return {
    indexes: done.toReversed().filter(isIndex),
    manifests: manifests.filter((one) => !isIndex(one)),
  };
}

/** Jobs in the order in which they must be done, all of one list before the next. */
export function removalJobs(removals: readonly RepositoryRemoval[]): readonly (readonly Job[])[] {
  return [
    removals.flatMap(({ name, remains }) =>
      remains.history.map(({ tag, digest }) => linkJob(tagIndexLink(name, tag, digest))),
    ),
    // One after the other.
    removals.map(({ name, indexes }) =>
      indexes.flatMap(({ digest }) => linkJob(revisionLink(name, digest))),
    ),
    removals.flatMap(({ name, manifests }) =>
      manifests.map(({ digest }) => linkJob(revisionLink(name, digest))),
    ),
    removals.flatMap(({ name, links }) =>
      links.map(({ digest }) => linkJob(layerLink(name, digest))),
    ),
    removals.flatMap(({ remains }) => [
      ...remains.hollow.map(({ path, files }): Job => hollowJob(path, files)),
      ...remains.uploads.map(({ path }): Job => [{ all: path }]),
    ]),
  ];
}

/** A link with the folder that it has for itself. */
function linkJob(link: string): Job {
  return [{ file: link }, { folder: link.slice(0, link.lastIndexOf("/")) }];
}

export function hollowJob(path: string, files: readonly string[]): Job {
  return [
    ...files.map((name): Step => ({ file: `${path}/${name}` })),
    // Of a tag.
    ...["current", "index/sha256", "index/sha512", "index"].map((name) => ({
      folder: `${path}/${name}`,
    })),
    { folder: path },
  ];
}

/** The folders of a repository that holds nothing any more, and those above it that only led to it. */
export function emptyFolders(name: RepositoryName, files: TreeFiles): Job {
  const inside = [layersPath(name), revisionsPath(name)].flatMap((path) => [
    ...algorithmsIn(path, files).map((algorithm) => `${path}/${algorithm}`),
    path,
  ]);
  const above: string[] = [];
  for (
    let path = repositoryPath(name);
    path !== REPOSITORIES;
    path = path.slice(0, path.lastIndexOf("/"))
  ) {
    above.push(path);
  }
  const all = [...inside, tagsPath(name), manifestsPath(name), foreignUploadsPath(name), ...above];
  return all.map((folder) => ({ folder }));
}

function algorithmsIn(path: string, files: TreeFiles): string[] {
  return (files.names(path) ?? []).filter((name) => isAlgorithm(name));
}

/** Folders of a tag's history that have become empty. */
export function historyFolders({ name, remains }: RepositoryRemoval): Job {
  const tags = new Set(remains.history.map(({ tag }) => tag));
  return [...tags].flatMap((tag) => [
    { folder: `${tagHistoryPath(name, tag)}/sha256` },
    { folder: `${tagHistoryPath(name, tag)}/sha512` },
  ]);
}
