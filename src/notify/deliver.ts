import { retryAfter } from "../oci/retry-after.ts";
import type { Endpoint } from "./endpoint.ts";

/** What became of one delivery. `reason` names no secret and nothing that the receiver wrote. */
export type Outcome =
  | { readonly delivered: true }
  | {
      readonly delivered: false;
      readonly reason: string;
      /** Milliseconds that the receiver asks us to wait. */
      readonly after: number | null;
    };

/** An answer is read up to here, so that its connection can be used again; nobody looks at it. */
const MOST_ANSWER = 64 * 1024;
const MOST_REDIRECTS = 3;

/** These ask for the same request elsewhere; 303 says that it was done. */
const REDIRECTS = [301, 302, 307, 308];

/**
 * Posts a body to an endpoint, once. Never throws.
 *
 * Delivered is what is answered with 2xx or 303 in time. Redirects are followed on the same scheme, host
 * and port only: the headers may hold a password, and the events are for the one who was configured.
 */
export async function deliver(
  endpoint: Endpoint,
  body: string,
  stopped: AbortSignal,
  now: () => number,
): Promise<Outcome> {
  const over = new AbortController();
  // The fetch that ended still holds a connection on which the answer may go on and on.
  const signal = AbortSignal.any([
    AbortSignal.timeout(endpoint.config.timeout),
    stopped,
    over.signal,
  ]);
  try {
    return await post(endpoint, body, signal, now);
  } catch (error) {
    return { delivered: false, reason: describe(error), after: null };
  } finally {
    over.abort();
  }
}

async function post(
  endpoint: Endpoint,
  body: string,
  signal: AbortSignal,
  now: () => number,
): Promise<Outcome> {
  let url = endpoint.url;
  for (let redirects = 0; ; redirects++) {
    const answer = await fetch(url, {
      method: "POST",
      headers: endpoint.headers(body),
      body,
      redirect: "manual",
      // Nobody reads it, so nobody needs to unpack what a small answer could become.
      decompress: false,
      signal,
    });
    // The status is the answer: what follows it can neither make it better nor worse.
    await finish(answer).catch(() => undefined);
    const { status } = answer;
    if ((status >= 200 && status < 300) || status === 303) return { delivered: true };
    const after = retryAfter(answer.headers.get("retry-after"), now());
    if (!REDIRECTS.includes(status)) {
      return { delivered: false, reason: `it answered ${status}`, after };
    }
    const next = elsewhere(answer.headers.get("location"), url);
    if (next === null || redirects === MOST_REDIRECTS) {
      const reason =
        next === null
          ? "it redirects to another address; configure that one"
          : "it redirects again and again";
      return { delivered: false, reason, after };
    }
    url = next;
  }
}

/** Reads what little there is; of more than that the connection is cut by the one who called. */
async function finish({ body }: Response): Promise<void> {
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MOST_ANSWER) return;
  }
}

/** Where a redirect leads, if it stays on the same server. */
function elsewhere(location: string | null, from: string): string | null {
  const next = location === null ? null : URL.parse(location, from);
  if (!next || next.origin !== new URL(from).origin) return null;
  next.username = "";
  next.password = "";
  return next.href;
}

/** Messages of the system may repeat the URL, and with it a token; codes do not. */
function describe(error: unknown): string {
  const { name, code } = error as { name?: string; code?: unknown };
  if (name === "TimeoutError") return "it did not answer in time";
  if (typeof code === "string") return code;
  return name ?? "it failed";
}
