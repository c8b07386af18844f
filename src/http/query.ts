import { RegistryError } from "../oci/errors.ts";
import type { Page } from "../metadata/metadata.ts";

/** Longer values are no name, tag, digest or media type. */
const LONGEST = 1024;

/** A parameter that may stand once. Throws PARAMETER_INVALID when it stands twice or is too long. */
export function single(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name);
  if (values.length > 1) throw bad(name, "it stands more than once");
  const value = values[0] ?? null;
  if (value !== null && value.length > LONGEST)
    throw bad(name, `it is longer than ${LONGEST} characters`);
  return value;
}

/**
 * `n` and `last` of a listing. Without `n` the page has `usual` entries; more than `most` are clamped,
 * not refused. Pure. Throws PARAMETER_INVALID when `n` is not a whole number.
 */
export function requestedPage(query: URLSearchParams, usual: number, most: number): Page {
  const n = single(query, "n");
  const last = single(query, "last") || null;
  if (n === null) return { last, limit: usual };
  if (!/^\d+$/.test(n)) throw bad("n", `${JSON.stringify(n.slice(0, 40))} is not a whole number`);
  return { last, limit: Math.min(Number(n), most) };
}

/** `true` or `false`; absent is false. Throws PARAMETER_INVALID for anything else. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = single(query, name);
  if (value !== null && value !== "true" && value !== "false") {
    throw bad(name, "it is neither true nor false");
  }
  return value === "true";
}

function bad(name: string, why: string): RegistryError {
  return new RegistryError("PARAMETER_INVALID", { reason: `${name}: ${why}`, parameter: name });
}
