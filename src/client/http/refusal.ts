import { type ErrorKind } from "../../oci/error-table.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import { printable } from "./printable.ts";
import type { Reply } from "./reply.ts";
import { holds } from "./secrets.ts";

/** A registry's own explanation. */
export interface Explanation {
  /** An OCI error code such as MANIFEST_UNKNOWN, or "". */
  readonly code: string;
  /** Made printable, without secrets; "" when it gave none. */
  readonly message: string;
}

const LARGEST = 64 * 1024;
const LONGEST_MESSAGE = 300;

/** Reads the error body of an answer, as far as it is one. @see OCI distribution spec 1.1, "Error Codes" */
export async function explanation(reply: Reply, secrets: readonly string[]): Promise<Explanation> {
  let document: Readonly<Record<string, unknown>>;
  try {
    document = await reply.object(LARGEST);
  } catch {
    // Pages of proxies and empty answers explain nothing; the status is what we have.
    return { code: "", message: "" };
  }
  const errors: unknown = document["errors"];
  const first: unknown = Array.isArray(errors) ? errors[0] : null;
  if (!isRecord(first)) return { code: "", message: "" };
  const { code, message, detail } = first;
  const remedy = isRecord(detail) ? detail["remedy"] : undefined;
  const words = [message, remedy].filter((part) => typeof part === "string" && part !== "");
  return {
    code:
      typeof code === "string" && /^[A-Z_]{1,60}$/.test(code) && !holds(secrets, code) ? code : "",
    message: printable(without(secrets, words.join("; ")), LONGEST_MESSAGE),
  };
}

/** A server that repeats our headers must not get them onto a screen or into a log. */
function without(secrets: readonly string[], text: string): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}

/** What was asked for: `about` for people, such as `app:1`; `missing` is what a 404 means then. */
export interface Subject {
  readonly about: string;
  readonly missing: ErrorKind;
}

/** The error that an unwanted answer means. Reads the answer's body. */
export async function refusal(
  reply: Reply,
  { about, missing }: Subject,
  secrets: readonly string[],
): Promise<RegistryError> {
  const { status, method, url } = reply;
  const { code, message } = await explanation(reply, secrets);
  const kind = status === 404 ? absence(code, method, missing) : kindOf(status);
  const said = [code, message].filter(Boolean).join(": ");
  const answer = `${url.origin} answers ${status}${said && ` (${said})`}`;
  // That something is not there needs no quotation.
  const text = status === 404 && kind !== "REMOTE" ? about : `${about}: ${answer}`;
  // Also what we asked for may be in their words: an address that they have given us.
  const reason = without(secrets, text);
  return new RegistryError(kind, { reason, status, code });
}

function kindOf(status: number): ErrorKind {
  if (status === 401 || status === 403) return "CREDENTIALS";
  return status === 405 ? "REFUSED" : "REMOTE";
}

/** Any web server says 404; a registry gives a reason, except to a HEAD, whose answer has no body. */
function absence(code: string, method: string, missing: ErrorKind): ErrorKind {
  if (code === "NAME_UNKNOWN" || code === "MANIFEST_UNKNOWN" || code === "BLOB_UNKNOWN")
    return code;
  return code === "" && method !== "HEAD" ? "REMOTE" : missing;
}
