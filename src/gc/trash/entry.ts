import type { TrashRecord } from "../../metadata/collection.ts";

/** A removal as it is listed: all but the bytes of a manifest. */
export type TrashEntry = Omit<TrashRecord, "bytes">;

export function entryOf(record: TrashRecord): TrashEntry {
  const { id, run, kind, repository, tag, digest, size, mediaType } = record;
  const { madeAt, removedAt, reason, removedBy } = record;
  const what = { id, run, kind, repository, tag, digest, size, mediaType };
  return { ...what, madeAt, removedAt, reason, removedBy };
}
