import type { TrashRecord } from "../metadata/collection.ts";
import type { Digest } from "../oci/digest.ts";

/** A row of the trash for the bytes of a blob. */
export function blobRow(
  digest: Digest,
  stored: { readonly size: number; readonly modifiedAt: number },
  at: number,
  reason: string,
): Omit<TrashRecord, "id"> {
  return {
    run: null,
    kind: "blob",
    repository: null,
    tag: null,
    digest,
    size: stored.size,
    mediaType: null,
    bytes: null,
    madeAt: stored.modifiedAt,
    removedAt: at,
    reason,
    removedBy: null,
  };
}

/** What all rows have in common of what another program has removed or moved. */
export function removal(
  at: number,
): Pick<TrashRecord, "run" | "madeAt" | "removedAt" | "reason" | "removedBy"> {
  const reason = "another program removed or moved it in the tree";
  return { run: null, madeAt: at, removedAt: at, reason, removedBy: null };
}
