import type { TrashRecord } from "../../metadata/collection.ts";

/** A removal as it is listed: all but the bytes of a manifest. */
export type TrashEntry = Omit<TrashRecord, "bytes">;

export function entryOf({ bytes: _, ...entry }: TrashRecord): TrashEntry {
  return entry;
}
