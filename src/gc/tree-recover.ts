import type { TrashRecord } from "../metadata/collection.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { type Job, doJobs, moveBack } from "../storage/removals.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import {
  LEAVING,
  blobPath,
  layerLink,
  leavingDigest,
  leavingPath,
  revisionLink,
  tagCurrentLink,
  trashPath,
} from "../storage/tree.ts";

/** More bytes than any link has. */
const LONGEST_LINK = 200;

/** Rows that are looked at together. */
const AT_ONCE = 1000;

/**
 * Makes the trash agree with the tree after a run that was cut off: rows are written before their files
 * move, so a row whose thing is still in its place tells of nothing. Doing it twice changes nothing.
 */
export async function recoverTrash(
  metadata: Pick<
    Metadata,
    "listRuns" | "listTrash" | "removeTrash" | "endRun" | "listClaims" | "settle"
  >,
  files: TreeFiles,
  now: number,
): Promise<void> {
  for (const claim of await metadata.listClaims()) {
    const moved = files.look(trashPath(claim.id)) !== null;
    const [state] = await metadata.settle([{ ...claim, moved }]);
    if (state === "returned" && moved && files.look(blobPath(claim.digest)) === null) {
      moveBack(files.root, trashPath(claim.id), blobPath(claim.digest));
    }
    // Not before it is back: until then it is a claim.
    if (state === "returned" && moved) await metadata.settle([{ ...claim, moved: false }]);
  }
  for (const run of await metadata.listRuns(AT_ONCE)) {
    if (run.endedAt !== null) continue;
    let before = Number.MAX_SAFE_INTEGER;
    for (;;) {
      const rows = await metadata.listTrash({ run: run.id, before, limit: AT_ONCE });
      const last = rows.at(-1);
      if (!last) break;
      const wrong = rows.filter((row) => isInPlace(row, files)).map(({ id }) => id);
      if (wrong.length > 0) await metadata.removeTrash(wrong);
      before = last.id;
    }
    await metadata.endRun(run.id, now, JSON.stringify({ interrupted: true }));
  }
}

/** Whether a row tells of something that was not removed. `id`: null when it would not be in the trash. */
export function isInPlace(
  { id, kind, repository, tag, digest }: Omit<TrashRecord, "id"> & { readonly id: number | null },
  files: TreeFiles,
): boolean {
  if (kind === "blob") {
    return id === null ? files.look(blobPath(digest)) !== null : files.look(trashPath(id)) === null;
  }
  if (repository === null) return false;
  if (kind === "manifest") return files.look(revisionLink(repository, digest)) !== null;
  if (kind === "tag" && tag !== null) {
    const link = files.text(tagCurrentLink(repository, tag), LONGEST_LINK);
    return link?.text.trim() === digest;
  }
  return kind === "link" && files.look(layerLink(repository, digest)) !== null;
}

/** What a purge has put aside: everything that could have needed it was looked at. */
export function leavingJobs(files: TreeFiles): Job[] {
  return (files.names(LEAVING) ?? []).flatMap((name) => {
    const digest = leavingDigest(name);
    return digest === null ? [] : [[{ file: leavingPath(digest) }]];
  });
}

/** Removes the folder of what is leaving, when it is empty. */
export function forgetLeaving(files: TreeFiles): void {
  doJobs(files.root, [[{ folder: LEAVING }]]);
}
