import type { TrashRecord } from "../../metadata/collection.ts";
import { trashPath } from "../../storage/tree.ts";
import type { Trash } from "./place.ts";

/** What was freed for good. */
export interface Purged {
  readonly entries: number;
  /** Of the files that went. */
  readonly bytes: number;
}

export interface PurgeOptions {
  /** Whether this one may go. Asked in the order of the removals; the first that may not ends it. */
  readonly isDue: (record: TrashRecord) => boolean | Promise<boolean>;
  /** Called after each batch, with what it freed: for the pace, and to say how far it is. */
  readonly after?: (freed: Purged) => Promise<void>;
  /** From then on nothing more is begun. */
  readonly signal?: AbortSignal;
}

/** Rows that go together, with one sync of the disk. They are in memory, with the bytes of manifests. */
const BATCH = 200;

/**
 * Frees the oldest of the trash: their files, and then their rows.
 *
 * In the order of the removals, and not past one that may not go: what needs something was removed before
 * it, so at every moment what is left is whole. A crash in between leaves a row without a file, which the
 * next run forgets. What is on its way into the trash at this moment is not touched.
 */
export async function purgeOldest(trash: Trash, options: PurgeOptions): Promise<Purged> {
  let entries = 0;
  let bytes = 0;
  while (!options.signal?.aborted) {
    const oldest = await trash.rows.oldestTrash(BATCH);
    const leaving = new Set((await trash.rows.listClaims()).map(({ id }) => id));
    const due: TrashRecord[] = [];
    for (const record of oldest) {
      if (leaving.has(record.id) || !(await options.isDue(record))) break;
      due.push(record);
    }
    const freed = await free(trash, due);
    entries += freed.entries;
    bytes += freed.bytes;
    await options.after?.(freed);
    if (due.length < BATCH) break;
  }
  return { entries, bytes };
}

/** Removes the files of these, durably, and then their rows. */
export async function free(
  { rows, storage }: Trash,
  records: readonly Pick<TrashRecord, "id" | "kind">[],
): Promise<Purged> {
  let bytes = 0;
  let files = 0;
  for (const { id, kind } of records) {
    if (kind !== "blob") continue;
    const file = await storage.stat(trashPath(id));
    if (!file) continue;
    await storage.delete(trashPath(id));
    bytes += file.size;
    files++;
  }
  // A file that comes back after a power cut must find its row, or nobody would ever remove it.
  if (files > 0) await storage.write([]);
  if (records.length > 0) await rows.removeTrash(records.map(({ id }) => id));
  return { entries: records.length, bytes };
}
