import type { BlobId, BlobTable } from "../inventory/blob-table.ts";
import type { TrashRecord } from "../metadata/collection.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import { blobPath } from "../storage/tree.ts";
import type { RepositoryRemoval } from "./tree-removal.ts";

/** What the trash says of one thing that is removed. */
export type Row = Omit<TrashRecord, "id">;

/**
 * Of a repository, manifests first: they need what comes after them. `files`: to read their bytes; null when
 * nobody will restore them. `at`: UTC milliseconds.
 */
export function rowsOf(
  { name, indexes, manifests, links }: RepositoryRemoval,
  files: TreeFiles | null,
  run: number | null,
  at: number,
): Row[] {
  const common = { run, repository: name, tag: null, removedAt: at, removedBy: null };
  const manifestRows = [...indexes, ...manifests].map(
    ({ digest, size, mediaType, reason, since }): Row => ({
      ...common,
      kind: "manifest",
      digest,
      size,
      mediaType,
      bytes: files?.bytes(blobPath(digest), Number.MAX_SAFE_INTEGER) ?? null,
      madeAt: since,
      reason,
    }),
  );
  const linkRows = links.map(({ digest, size, reason, since }): Row => ({
    ...common,
    kind: "link",
    digest,
    size: size ?? 0,
    mediaType: null,
    bytes: null,
    madeAt: since,
    reason,
  }));
  return [...manifestRows, ...linkRows];
}

export function blobRow(blobs: BlobTable, id: BlobId, run: number | null, at: number): Row {
  return {
    run,
    kind: "blob",
    repository: null,
    tag: null,
    digest: blobs.digestOf(id),
    size: blobs.sizeOf(id),
    mediaType: null,
    bytes: null,
    madeAt: blobs.timeOf(id),
    removedAt: at,
    reason: "no repository needs it",
    removedBy: null,
  };
}
