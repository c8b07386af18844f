import type { Digest } from "../oci/digest.ts";
import { isFirstFormat } from "../oci/media-types.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import {
  blobPath,
  foreignUploadsPath,
  layersPath,
  manifestsPath,
  readLink,
  repositoryPath,
  revisionsPath,
  signaturesPath,
  tagCurrentLink,
  tagHistoryPath,
  tagPath,
  tagsPath,
} from "../storage/tree.ts";
import type { BlobTable } from "./blob-table.ts";
import type {
  InventoryLink,
  InventoryManifest,
  InventoryTag,
  RepositoryInventory,
  Unreadable,
} from "./inventory.ts";
import {
  FAILED,
  type HollowFolder,
  LONGEST_LINK,
  type Problem,
  brokenLink,
  forDigests,
  isHidden,
  looked,
  readLinks,
} from "./tree-links.ts";
import { readTreeManifest } from "./tree-manifest.ts";

/** An inventory that was read from a tree, and what lies there beside content. */
export interface TreeRepository extends RepositoryInventory {
  readonly remains: TreeRemains;
  /** Every digest that the repository names in any way. */
  mentioned(): ReadonlySet<Digest>;
  /** First of what may name blobs that are not mentioned, because it could not be read. */
  readonly hidden: Unreadable | null;
  /** When anything in it was written last, as far as that is not ahead of us. UTC milliseconds. */
  readonly newest: number;
}

export interface TreeRemains {
  /** What tags named before. */
  readonly history: readonly { readonly tag: Tag; readonly digest: Digest }[];
  /** Folders of links without a link, and of tags that name nothing. */
  readonly hollow: readonly HollowFolder[];
  /** Unfinished uploads of another registry; `at`: when anything in it was written last. */
  readonly uploads: readonly { readonly path: string; readonly at: number }[];
}

/** A registry takes no manifests that are larger; what is may be anything. */
const LARGEST_MANIFEST = 16 * 1024 * 1024;

/**
 * Reads one repository.
 *
 * Layers first, then tags, then manifests: a writer goes the other way round, so that what is seen of a push
 * is never less than what was seen before of it. `blobs` says how large layers are.
 */
export function readTreeRepository(
  name: RepositoryName,
  files: TreeFiles,
  blobs: BlobTable,
  now: () => number,
): TreeRepository {
  const unreadable: Unreadable[] = [];
  let hidden: Unreadable | null = null;
  const problem: Problem = (path, what, hides = false) => {
    unreadable.push({ path, problem: what });
    if (hides) hidden ??= { path, problem: what };
  };
  const hollow: HollowFolder[] = [];
  const isHollow = (found: HollowFolder): void => void hollow.push(found);
  let newest = 0;
  const saw = (at: number): number => {
    if (at > newest && at <= now()) newest = at;
    return at;
  };

  const parts = foldersOf(repositoryPath(name), files, problem);
  const links: InventoryLink[] = [];
  const sizes = new Map<Digest, number>();
  if (parts.has("_layers")) {
    readLinks(
      files,
      layersPath(name),
      problem,
      (digest, at) => {
        const id = blobs.find(digest);
        const size = id < 0 ? null : blobs.sizeOf(id);
        if (size !== null) sizes.set(digest, size);
        links.push({ digest, size, seenAt: saw(at) });
      },
      isHollow,
    );
  }
  const below = parts.has("_manifests")
    ? foldersOf(manifestsPath(name), files, problem)
    : new Set<string>();
  const tags: InventoryTag[] = [];
  const history: { tag: Tag; digest: Digest }[] = [];
  const untagged = new Map<Digest, number>();
  if (below.has("tags")) {
    readTags(name, files, problem, isHollow, (tag, digest, at, past) => {
      if (digest) tags.push({ tag, digest, pushedAt: at });
      saw(at);
      for (const one of past) {
        history.push({ tag, digest: one });
        untagged.set(one, Math.max(untagged.get(one) ?? 0, at));
      }
    });
  }
  const manifests: InventoryManifest[] = [];
  const revisions = new Set<Digest>();
  if (below.has("revisions")) {
    readLinks(
      files,
      revisionsPath(name),
      problem,
      (digest, at) => {
        saw(at);
        if (revisions.has(digest)) return;
        revisions.add(digest);
        const found = readManifest(name, digest, at, files, sizes, problem);
        if (found) manifests.push({ ...found, untaggedAt: untagged.get(digest) ?? null });
      },
      isHollow,
    );
  }
  const uploads = parts.has("_uploads") ? readUploads(name, files, problem) : [];
  for (const { at } of uploads) saw(at);
  const inventory = { name, tags, manifests, links, unreadable };
  return {
    ...inventory,
    remains: { history, hollow, uploads },
    mentioned: () => mentionedBy(inventory, revisions),
    hidden,
    newest,
  };
}

/** The names of the folders of the layout in a folder. */
function foldersOf(path: string, files: TreeFiles, problem: Problem): ReadonlySet<string> {
  const entries = looked(path, problem, () => files.entries(path));
  if (entries === FAILED || entries === null) return new Set();
  const found = new Set<string>();
  for (const { name, kind } of entries) {
    if (kind === "folder") found.add(name);
    else if (PARTS.has(name)) {
      problem(
        `${path}/${name}`,
        `there is ${kind === "object" ? "a file" : "something else"} in the place of a folder`,
      );
    }
  }
  return found;
}

const PARTS = new Set(["_layers", "_manifests", "_uploads", "revisions", "tags"]);

function readTags(
  name: RepositoryName,
  files: TreeFiles,
  problem: Problem,
  hollow: (found: HollowFolder) => void,
  each: (tag: Tag, digest: Digest | null, at: number, past: readonly Digest[]) => void,
): void {
  const names = looked(tagsPath(name), problem, () => files.names(tagsPath(name)));
  if (names === FAILED) return;
  for (const tag of names ?? []) {
    if (!isTag(tag)) {
      if (!isHidden(tag)) problem(`${tagsPath(name)}/${tag}`, "its name is not a tag");
      continue;
    }
    const path = tagCurrentLink(name, tag);
    const link = looked(path, problem, () => files.text(path, LONGEST_LINK));
    if (link === FAILED) continue;
    const past: Digest[] = [];
    const index = tagHistoryPath(name, tag);
    const digest = link && readLink(Buffer.from(link.text, "latin1"));
    forDigests(files, index, problem, (one) => {
      if (one !== digest) past.push(one);
    });
    if (link && digest === null) problem(path, brokenLink(link.text));
    else if (link) each(tag, digest, link.at, past);
    else
      hollowTag(name, tag, files, problem, (found) => {
        hollow(found);
        each(tag, null, found.at, past);
      });
  }
}

/** A tag without a link: it was being deleted, or is being pushed for the first time. It names nothing. */
function hollowTag(
  name: RepositoryName,
  tag: Tag,
  files: TreeFiles,
  problem: Problem,
  hollow: (found: HollowFolder) => void,
): void {
  const path = tagPath(name, tag);
  const current = `${path}/current`;
  const found = looked(current, problem, () => files.entries(current));
  const at = looked(path, problem, () => files.folderTime(path));
  if (found === FAILED || at === FAILED || at === null) return;
  const inside = looked(current, problem, () => files.folderTime(current));
  if (inside === FAILED) return;
  const link = found?.find((entry) => entry.name === "link");
  if (link) problem(`${current}/link`, "the link leads nowhere");
  else hollow({ path, at: Math.max(at, inside ?? 0), files: [] });
}

function readManifest(
  name: RepositoryName,
  digest: Digest,
  at: number,
  files: TreeFiles,
  sizes: ReadonlyMap<Digest, number>,
  problem: Problem,
): Omit<InventoryManifest, "untaggedAt"> | null {
  const path = blobPath(digest);
  const bytes = looked(path, problem, () => files.bytes(path, LARGEST_MANIFEST));
  if (bytes === FAILED) return null;
  if (bytes === null) {
    problem(path, "the manifest's bytes are missing");
    return null;
  }
  const found = readTreeManifest(digest, bytes, sizes, (what) => problem(path, what));
  if (!found) return null;
  const references = [...found.references];
  if (isFirstFormat(found.mediaType)) {
    const take = (signature: Digest): void => {
      references.push({ role: "layer", digest: signature, size: sizes.get(signature) ?? 0 });
    };
    readLinks(files, signaturesPath(name, digest), problem, take, () => undefined);
  }
  return { ...found, references, digest, size: bytes.length, pushedAt: at, seenAt: at };
}

function readUploads(
  name: RepositoryName,
  files: TreeFiles,
  problem: Problem,
): TreeRepository["remains"]["uploads"][number][] {
  const folder = foreignUploadsPath(name);
  const entries = looked(folder, problem, () => files.entries(folder));
  if (entries === FAILED) return [];
  return (entries ?? []).flatMap(({ name: id, kind }) => {
    if (kind !== "folder") return [];
    const path = `${folder}/${id}`;
    const at = looked(path, problem, () => {
      const times = (files.names(path) ?? []).map((one) => files.folderTime(`${path}/${one}`) ?? 0);
      return Math.max(files.folderTime(path) ?? 0, ...times);
    });
    return at === FAILED ? [] : [{ path, at }];
  });
}

function mentionedBy(
  { tags, manifests, links }: Pick<RepositoryInventory, "tags" | "manifests" | "links">,
  revisions: ReadonlySet<Digest>,
): Set<Digest> {
  const all = new Set<Digest>(revisions);
  for (const { digest } of [...tags, ...links]) all.add(digest);
  for (const { references } of manifests) for (const { digest } of references) all.add(digest);
  return all;
}
