import type { BlobId } from "../inventory/blob-table.ts";
import { TreeReader, type TreeRepository } from "../inventory/from-tree.ts";
import type { RepositoryInventory } from "../inventory/inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { GcLeftovers, GcRepositoryBytes, GcTotals, ManifestReason } from "../plan/gc-plan.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import { repositoryPath } from "../storage/tree.ts";
import { type GcPolicy, type Judged, decide } from "./decide.ts";

/** What may go from a tree. */
export interface TreePolicy extends GcPolicy {
  /** Unfinished uploads and leftover files go when nothing has touched them since. */
  readonly remainsBefore: number;
}

/** Takes from the metadata what a tree cannot say: see `tree-overlay.ts`. */
export type Overlay = (repository: TreeRepository) => Promise<RepositoryInventory>;

/** What one look at a whole tree has found. Of what goes only numbers are held, and ids of blobs. */
export interface TreeLook {
  readonly reader: TreeReader;
  /** Those of which something goes, or that are kept whole, in the order of their names. */
  readonly repositories: readonly RepositoryLook[];
  readonly totals: GcTotals;
  /** When anything in the tree was written last, UTC milliseconds. */
  readonly newest: number;
  /** What kept manifests name, and their repository or the tree does not have. */
  readonly missing: readonly Missing[];
  /** Why no blob goes; null: blobs may go. */
  readonly blobsStay: string | null;
  /** The blobs that may go. */
  garbage(): Iterable<BlobId>;
}

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

/** Marks of blobs in a look. */
export const LIVE = 1;
const COUNTED = 2;

/** Looks at every repository, judges it, and adds up. Blocks its thread; changes nothing. */
export async function lookAtTree(
  files: TreeFiles,
  policy: TreePolicy,
  options: {
    readonly overlay?: Overlay | undefined;
    /** Whether to find what is missing: only worth it where something could be put back. */
    readonly findMissing?: boolean;
    readonly onRepository?: (count: number) => void;
  } = {},
): Promise<TreeLook> {
  const began = performance.now();
  const reader = new TreeReader(files);
  reader.readBlobs();
  const drafts: Draft[] = [];
  const missing: Missing[] = [];
  const sums = { repositories: 0, manifests: 0, liveManifests: 0, links: 0, liveLinks: 0 };
  let newest = 0;
  for (const name of reader.names()) {
    const repository = reader.read(name);
    newest = Math.max(newest, repository.newest);
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
  const now = Date.now();
  for (const id of reader.blobs.ids()) {
    const at = reader.blobs.timeOf(id);
    if (at > newest && at <= now) newest = at;
  }
  const blobsStay = reader.hidden && `${reader.hidden.path}: ${reader.hidden.problem}`;
  const may = (id: BlobId): boolean => blobsStay === null && isGarbage(reader, id, policy);
  const repositories = drafts.map((draft) => ({ ...draft, bytes: bytesOf(draft, reader, may) }));
  return {
    reader,
    repositories,
    newest,
    missing,
    blobsStay,
    garbage: () => reader.blobs.ids().filter(may),
    totals: totalsOf(reader, may, sums, repositories, (performance.now() - began) / 1000),
  };
}

/** While somebody uploads to a repository, what he has uploaded before has no manifest yet. */
export function policyFor({ remains }: TreeRepository, policy: TreePolicy): TreePolicy {
  const uploading = remains.uploads.some(({ at }) => at >= policy.remainsBefore);
  if (!uploading) return policy;
  return { ...policy, seenBefore: Math.min(policy.seenBefore, policy.remainsBefore) };
}

/** Whether a blob may go: nobody needs it, and it has been there for the grace. */
export function isGarbage({ blobs }: TreeReader, id: BlobId, { seenBefore }: GcPolicy): boolean {
  return (blobs.marksOf(id) & LIVE) === 0 && blobs.timeOf(id) < seenBefore;
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

type Draft = Omit<RepositoryLook, "bytes">;

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

function bytesOf(
  { letsGo }: Draft,
  { blobs }: TreeReader,
  may: (id: BlobId) => boolean,
): GcRepositoryBytes {
  let freed = 0;
  let shared = 0;
  for (const id of new Set([...letsGo.manifests, ...letsGo.links])) {
    if (!may(id)) shared += blobs.sizeOf(id);
    else if ((blobs.marksOf(id) & COUNTED) === 0) {
      blobs.mark(id, COUNTED);
      freed += blobs.sizeOf(id);
    }
  }
  return { freed, shared };
}

function totalsOf(
  { blobs }: TreeReader,
  may: (id: BlobId) => boolean,
  sums: {
    repositories: number;
    manifests: number;
    liveManifests: number;
    links: number;
    liveLinks: number;
  },
  repositories: readonly RepositoryLook[],
  seconds: number,
): GcTotals {
  const all = { blobs: 0, bytes: 0 };
  const garbage = { blobs: 0, bytes: 0 };
  const orphans = { blobs: 0, bytes: 0 };
  for (const id of blobs.ids()) {
    const size = blobs.sizeOf(id);
    all.blobs++;
    all.bytes += size;
    if (!may(id)) continue;
    garbage.blobs++;
    garbage.bytes += size;
    if ((blobs.marksOf(id) & COUNTED) !== 0) continue;
    orphans.blobs++;
    orphans.bytes += size;
  }
  return {
    repositories: sums.repositories,
    manifests: { live: sums.liveManifests, garbage: sums.manifests - sums.liveManifests },
    links: { live: sums.liveLinks, garbage: sums.links - sums.liveLinks },
    blobs: { live: all.blobs - garbage.blobs, garbage: garbage.blobs },
    bytes: { live: all.bytes - garbage.bytes, garbage: garbage.bytes, trash: 0 },
    orphans,
    keptRepositories: repositories.flatMap(({ name, keptWhole }) =>
      keptWhole === null ? [] : [{ repository: name, reason: keptWhole }],
    ),
    seconds,
  };
}
