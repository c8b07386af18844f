import { RegistryError } from "../../oci/errors.ts";
import type { Deadline } from "./deadline.ts";

/**
 * What became of a request that was not answered. `unsent`: nobody has heard of it, it can be repeated.
 * `unknown`: it may have been done. `untrusted`: nothing was said to who showed that certificate.
 * `refused`: it makes no sense to repeat it.
 */
export type Fate = "unsent" | "unknown" | "untrusted" | "refused";

const FATES: readonly unknown[] = ["unsent", "unknown", "untrusted", "refused"];

/** What the network's codes mean, in words with which something can be done. */
const MEANINGS: Readonly<Record<string, readonly [meaning: string, fate: Fate]>> = {
  ECONNREFUSED: ["nothing listens there; is the registry running?", "unsent"],
  EHOSTUNREACH: ["no way leads there", "unsent"],
  ENETUNREACH: ["no way leads there", "unsent"],
  ENOTFOUND: ["there is no such host", "refused"],
  EAI_AGAIN: ["the name cannot be looked up now", "unsent"],
  ECONNRESET: ["the connection was cut", "unknown"],
  EPROTO: ["it does not speak TLS; --plain-http is for registries without", "refused"],
  ResponseHeadersTooLarge: ["the head of its answer is too large", "refused"],
  Malformed_HTTP_Response: ["its answer is no HTTP", "refused"],
  InvalidHTTPResponse: ["its answer is no HTTP", "refused"],
  InvalidContentLength: ["its answer is no HTTP", "refused"],
};

/** An answer that did not come, or not to its end. Only the origin is named: paths and queries may carry secrets. */
export function unreachable({ origin }: URL, deadline: Deadline, cause: unknown): RegistryError {
  const [why, fate] = explain(deadline, codeOf(cause));
  // Messages of the system repeat the URL; its code is all that is passed on.
  return new RegistryError("REMOTE", { reason: `${origin}: ${why}`, fate });
}

/** Null for errors that say nothing of it. */
export function fateOf(error: unknown): Fate | null {
  const fate = error instanceof RegistryError ? error.detail["fate"] : null;
  return FATES.includes(fate) ? (fate as Fate) : null;
}

function explain({ expired, stallMs }: Deadline, code: string): readonly [string, Fate] {
  if (expired) {
    return [`no answer within ${Math.ceil(stallMs / 1000)} s, or not to its end`, "unknown"];
  }
  if (/CERT|SIGNED|SIGNATURE|ALTNAME/.test(code)) {
    return [`its certificate is not trusted (${code}); --insecure takes any`, "untrusted"];
  }
  return MEANINGS[code] ?? [`the connection failed${code && ` (${code})`}`, "unknown"];
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
