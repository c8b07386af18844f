import { ERRORS } from "../oci/error-table.ts";
import { RegistryError } from "../oci/errors.ts";

/** On every answer: which protocol this is, and that no browser shall guess at content. */
export const COMMON = {
  "docker-distribution-api-version": "registry/2.0",
  "x-content-type-options": "nosniff",
} as const;

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers: { ...COMMON, ...headers } });
}

export function json(
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): Response {
  const text = JSON.stringify(value);
  // Bun would say the length too, but only on the wire: those who count want to know it here.
  const length = String(Buffer.byteLength(text));
  const own = { ...COMMON, "content-type": "application/json", "content-length": length };
  return new Response(text, { status, headers: { ...own, ...headers } });
}

/** The header that leads to the next page, or none. `path` has no query; `values` become it. */
export function nextLink(
  path: string,
  values: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== null) query.set(key, value);
  return { link: `<${path}?${query.toString()}>; rel="next"` };
}

/**
 * The one place where an error becomes HTTP.
 *
 * @see OCI distribution spec 1.1, "Error Codes"
 */
export function errorReply(error: RegistryError): Response {
  const { code, status, remedy } = ERRORS[error.kind];
  const body = {
    errors: [{ code, message: error.message, detail: { ...error.detail, remedy } }],
  };
  return json(body, error.headers, status);
}

/** The medium, or the process, cannot do it: no fault of the request. */
const UNABLE = new Set(["EIO", "EMFILE", "ENFILE", "EROFS", "EACCES", "EPERM"]);

/** What the medium said, in our words: a full disk is the operator's business, not a bug. */
export function asRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new RegistryError("STORAGE_FULL", {}, { cause: error });
  if (typeof code === "string" && UNABLE.has(code))
    return new RegistryError("UNAVAILABLE", {}, { cause: error });
  return new RegistryError("INTERNAL", {}, { cause: error });
}
