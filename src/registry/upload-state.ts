import { RegistryError } from "../oci/errors.ts";

/** What a request that brings bytes says about them. Offsets and lengths in bytes; null: not said. */
export interface Announced {
  /** First byte of the chunk, from Content-Range. */
  readonly start: number | null;
  /** Last byte of the chunk, inclusive, from Content-Range. */
  readonly end: number | null;
  /** Content-Length. */
  readonly length: number | null;
}

/**
 * Whether a chunk may be appended at `offset`; returns how many bytes it must have, or null when only
 * its end will tell. Pure.
 *
 * Throws UPLOAD_OUT_OF_ORDER when the chunk begins elsewhere, SIZE_INVALID when the request contradicts
 * itself. A chunk without Content-Range is appended, as Docker sends it.
 *
 * @see OCI distribution spec 1.1, "Pushing a blob in chunks"
 */
export function admit(offset: number, { start, end, length }: Announced): number | null {
  if (start === null || end === null) return length;
  if (end < start - 1) {
    throw new RegistryError("SIZE_INVALID", {
      reason: `Content-Range ${start}-${end} ends before it begins`,
    });
  }
  const ranged = end - start + 1;
  if (length !== null && length !== ranged) {
    throw new RegistryError("SIZE_INVALID", {
      reason: `Content-Range ${start}-${end} is ${ranged} bytes, but Content-Length is ${length}`,
    });
  }
  if (start !== offset) {
    throw new RegistryError("UPLOAD_OUT_OF_ORDER", {
      reason: `the chunk begins at ${start}, the upload is at ${offset}`,
      offset,
    });
  }
  return ranged;
}

/** The Range header of an upload: `0-<last byte>`; `0-0` also when there is none yet, as Docker expects it. */
export function uploadRange(offset: number): string {
  return `0-${Math.max(0, offset - 1)}`;
}
