import type { BlobId } from "../inventory/blob-table.ts";
import type { TreeReader, TreeRepository } from "../inventory/from-tree.ts";
import type { RepositoryInventory } from "../inventory/inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { repositoryPath } from "../storage/tree.ts";
import type { GcLeftovers, GcRepositoryBytes, ManifestReason } from "../plan/gc-plan.ts";
import { type GcPolicy, type Judged, decide } from "./decide.ts";

/** What may go from a tree. */
export interface TreePolicy extends GcPolicy {
  /** Unfinished uploads and leftover files go when nothing has touched them since. */
  readonly remainsBefore: number;
}

/** Takes from the metadata what a tree cannot say: see `tree-overlay.ts`. */
export type Overlay = (repository: TreeRepository) => Promise<RepositoryInventory>;

export interface RepositoryLook {
  readonly name: RepositoryName;
  readonly keptWhole: string | null;
  readonly manifests: Readonly<Record<ManifestReason, number>>;
  readonly links: { readonly unneeded: number; readonly bytesMissing: number };
  readonly leftovers: GcLeftovers;
  readonly removed: boolean;
  readonly bytes: GcRepositoryBytes;
  /** What it lets go, of which the tree has the bytes. */
  readonly letsGo: { readonly manifests: readonly BlobId[]; readonly links: readonly BlobId[] };
}

/** `link`: the blob may be there, but not this repository's link to it. */
export interface Missing {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly what: "bytes" | "link" | "revision";
}

export interface LookOptions {
  readonly overlay?: Overlay | undefined;
  /** Whether to find what is missing: only worth it where something could be put back. */
  readonly findMissing?: boolean;
  readonly onRepository?: (count: number) => void;
}

/** What was seen in some repositories; plain data, which may come from another thread. */
export interface LookPart {
  readonly drafts: Draft[];
  readonly missing: Missing[];
  readonly sums: LookSums;
  /** When anything in them was written last. */
  newest: number;
}

export interface LookSums {
  repositories: number;
  manifests: number;
  liveManifests: number;
  links: number;
  liveLinks: number;
}

export type Draft = Omit<RepositoryLook, "bytes">;

/** A mark of blobs in a look: something that stays needs it. */
export const LIVE = 1;

/**
 * Links and manifests that are read before what is left of them is swept. Left alone the engine lets it grow
 * to several times of what is in use, in each thread; to sweep this often costs a tenth of the look.
 */
const MOST_UNSWEPT = 2500;

function emptyPart(): LookPart {
  const sums = { repositories: 0, manifests: 0, liveManifests: 0, links: 0, liveLinks: 0 };
  return { drafts: [], missing: [], sums, newest: 0 };
}

/**
 * Judges repositories, and marks what they need. Several threads may do so on one table of blobs: the mark
 * is the only bit that any of them sets, so none can take away what another has set.
 */
export async function lookAtRepositories(
  reader: TreeReader,
  names: Iterable<RepositoryName>,
  policy: TreePolicy,
  options: LookOptions,
): Promise<LookPart> {
  const part = emptyPart();
  const { drafts, missing, sums } = part;
  let unswept = 0;
  for (const name of names) {
    const repository = reader.read(name);
    unswept += repository.links.length + repository.manifests.length;
    if (unswept > MOST_UNSWEPT) {
      Bun.gc(true);
      unswept = 0;
    }
    part.newest = Math.max(part.newest, repository.newest);
    const inventory = (await options.overlay?.(repository)) ?? repository;
    const verdict = decide(inventory, policyFor(repository, policy));
    sums.repositories++;
    sums.manifests += repository.manifests.length;
    sums.links += repository.links.length;
    options.onRepository?.(sums.repositories);
    const needed = verdict.whole ? repository.mentioned() : neededBy(repository, verdict);
    for (const digest of needed) markLive(reader, digest);
    if (options.findMissing) findMissing(repository, needed, reader, missing);
    if (verdict.whole) {
      sums.liveManifests += repository.manifests.length;
      sums.liveLinks += repository.links.length;
      drafts.push({ name, keptWhole: verdict.reason, ...NOTHING });
      continue;
    }
    sums.liveManifests += verdict.keptManifests.size;
    sums.liveLinks += verdict.keptLinks.size;
    const draft = draftOf(repository, verdict, policy, reader);
    if (draft) drafts.push(draft);
  }
  return part;
}

/** While somebody uploads to a repository, what he has uploaded before has no manifest yet. */
export function policyFor({ remains }: TreeRepository, policy: TreePolicy): TreePolicy {
  const uploading = remains.uploads.some(({ at }) => at >= policy.remainsBefore);
  if (!uploading) return policy;
  return { ...policy, seenBefore: Math.min(policy.seenBefore, policy.remainsBefore) };
}

/** What lies beside content and is old enough to go. */
export function oldRemains(
  { remains }: TreeRepository,
  kept: ReadonlySet<Digest>,
  { remainsBefore }: TreePolicy,
): TreeRepository["remains"] {
  return {
    history: remains.history.filter(({ digest }) => !kept.has(digest)),
    hollow: remains.hollow.filter(({ at }) => at < remainsBefore),
    uploads: remains.uploads.filter(({ at }) => at < remainsBefore),
  };
}

const NOTHING = {
  manifests: { untagged: 0, "index-goes": 0, "subject-goes": 0, "subject-missing": 0 },
  links: { unneeded: 0, bytesMissing: 0 },
  leftovers: { history: 0, uploads: 0, temporary: 0, emptyFolders: 0 },
  removed: false,
  letsGo: { manifests: [], links: [] },
};

function draftOf(
  repository: TreeRepository,
  verdict: Judged,
  policy: TreePolicy,
  reader: TreeReader,
): Draft | null {
  const { name, remains } = repository;
  const { history, hollow, uploads } = oldRemains(repository, verdict.keptManifests, policy);
  const waits = hollow.length < remains.hollow.length || uploads.length < remains.uploads.length;
  const old = (reader.files.folderTime(repositoryPath(name)) ?? 0) < policy.seenBefore;
  const removed = verdict.empty && policy.removeEmpty && !waits && old;
  const { manifests, links } = verdict;
  const found = manifests.length + links.length + history.length + hollow.length + uploads.length;
  if (found === 0 && !removed) return null;
  const reasons = { ...NOTHING.manifests };
  for (const { reason } of manifests) reasons[reason]++;
  const idsOf = (all: readonly { readonly digest: Digest }[]): BlobId[] =>
    all.map(({ digest }) => reader.blobs.find(digest)).filter((id) => id >= 0);
  return {
    name,
    keptWhole: null,
    manifests: reasons,
    links: {
      unneeded: links.filter(({ reason }) => reason === "unneeded").length,
      bytesMissing: links.filter(({ reason }) => reason === "bytes-missing").length,
    },
    leftovers: {
      history: history.length,
      uploads: uploads.length,
      temporary: hollow.reduce((sum, { files }) => sum + files.length, 0),
      emptyFolders: hollow.length,
    },
    removed,
    letsGo: { manifests: idsOf(manifests), links: idsOf(links) },
  };
}

/** All that must stay for what the verdict keeps, linked here or not: a lost link can be made again. */
function neededBy(repository: TreeRepository, verdict: Judged): ReadonlySet<Digest> {
  const needed = new Set<Digest>(verdict.keptLinks);
  for (const { digest, references } of repository.manifests) {
    if (!verdict.keptManifests.has(digest)) continue;
    needed.add(digest);
    for (const reference of references) needed.add(reference.digest);
  }
  return needed;
}

function markLive({ blobs }: TreeReader, digest: Digest): void {
  const id = blobs.find(digest);
  if (id >= 0) blobs.mark(id, LIVE);
}

function findMissing(
  { name: repository, tags, manifests, links }: TreeRepository,
  needed: ReadonlySet<Digest>,
  { blobs }: TreeReader,
  missing: Missing[],
): void {
  const here = new Set([...manifests, ...links].map(({ digest }) => digest));
  const revisions = new Set(manifests.map(({ digest }) => digest));
  for (const digest of needed) {
    if (blobs.find(digest) < 0) missing.push({ repository, digest, what: "bytes" });
    if (!here.has(digest)) missing.push({ repository, digest, what: "link" });
  }
  for (const { digest } of tags) {
    if (!revisions.has(digest)) missing.push({ repository, digest, what: "revision" });
  }
}
