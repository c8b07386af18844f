import { RegistryError } from "../oci/errors.ts";
import type { ByteRange } from "../storage/storage.ts";
import type { Announced } from "../registry/upload-state.ts";

const ONE_RANGE = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/;

/**
 * The part of a blob that a Range header asks for; null when the whole is to be sent. Pure.
 *
 * Several ranges, other units and nonsense are ignored, as the RFC allows: the work stays constant,
 * whatever is asked. Throws RANGE_UNSATISFIABLE when nothing of the range lies inside, also when it ends
 * before it begins.
 *
 * @see RFC 9110, section 14
 */
export function requestedRange(header: string, size: number): ByteRange | null {
  const found = ONE_RANGE.exec(header);
  if (!found) return null;
  const [, first, last, suffix] = found;
  const range =
    suffix === undefined
      ? { start: Number(first), end: last ? Math.min(Number(last) + 1, size) : size }
      : { start: Math.max(0, size - Number(suffix)), end: size };
  if (range.start < range.end) return range;
  throw new RegistryError(
    "RANGE_UNSATISFIABLE",
    { reason: `${header} of ${size} bytes` },
    { headers: { "content-range": `bytes */${size}` } },
  );
}

const CHUNK = /^(?:bytes )?(\d{1,16})-(\d{1,16})(?:\/(?:\d+|\*))?$/;

/**
 * What a request that brings bytes says of them in Content-Range and Content-Length. Pure.
 * Throws SIZE_INVALID when a header is not a number or a range.
 *
 * @see OCI distribution spec 1.1, "Pushing a blob in chunks"
 */
export function announced(headers: Headers): Announced {
  const range = headers.get("content-range");
  const length = contentLength(headers);
  if (range === null) return { start: null, end: null, length };
  const found = CHUNK.exec(range.trim());
  const start = Number(found?.[1]);
  const end = Number(found?.[2]);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) {
    throw new RegistryError("SIZE_INVALID", {
      reason: `Content-Range ${JSON.stringify(range.slice(0, 80))} is not <first>-<last>`,
    });
  }
  return { start, end, length };
}

/** Null when the header is absent, as with chunked transfer. */
export function contentLength(headers: Headers): number | null {
  const text = headers.get("content-length");
  if (text === null) return null;
  const length = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(length)) return length;
  throw new RegistryError("SIZE_INVALID", { reason: "Content-Length is not a number of bytes" });
}
