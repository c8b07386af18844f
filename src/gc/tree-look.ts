import type { BlobId } from "../inventory/blob-table.ts";
import { TreeReader } from "../inventory/from-tree.ts";
import type { GcRepositoryBytes, GcTotals } from "../plan/gc-plan.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import type { GcPolicy } from "./decide.ts";
import { LookHelper } from "./look-helper.ts";
import {
  type Draft,
  LIVE,
  type LookOptions,
  type LookSums,
  type Missing,
  type RepositoryLook,
  type TreePolicy,
} from "./look-part.ts";

export { oldRemains, policyFor } from "./look-part.ts";
export type { Missing, Overlay, RepositoryLook, TreePolicy } from "./look-part.ts";

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

/** A mark of blobs in a look: their bytes were counted. */
const COUNTED = 2;

/**
 * Looks at every repository, judges it, and adds up. Blocks its thread, and others with a large tree;
 * changes nothing.
 */
export async function lookAtTree(
  files: TreeFiles,
  policy: TreePolicy,
  options: LookOptions = {},
): Promise<TreeLook> {
  const began = performance.now();
  const reader = new TreeReader(files);
  using helper = new LookHelper(files.root);
  await helper.readBlobs(reader);
  const { drafts, missing, sums, newest: newestOfAll } = await helper.look(reader, policy, options);
  let newest = newestOfAll;
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

/** Whether a blob may go: nobody needs it, it has been there for the grace, and waits for nobody's yes. */
export function isGarbage(
  { blobs }: TreeReader,
  id: BlobId,
  { seenBefore, waitingUntil }: GcPolicy,
): boolean {
  const at = blobs.timeOf(id);
  if (waitingUntil !== null && at <= waitingUntil) return false;
  return (blobs.marksOf(id) & LIVE) === 0 && at < seenBefore;
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
  sums: LookSums,
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
