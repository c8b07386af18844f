import { RegistryError } from "../../oci/errors.ts";
import { isLoopback } from "../../oci/loopback.ts";
import { Deadline, unreachable } from "./deadline.ts";
import { Reply } from "./reply.ts";

export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | string | Uint8Array<ArrayBuffer>;
  /** For the origin of `url` alone: not sent wherever else a redirect leads. */
  readonly authorization?: string | null;
  /** No limit for the whole answer, only for the time without a byte. */
  readonly endless?: boolean;
}

export interface TransportOptions {
  /** The one host whose certificate is not checked; null: all are. */
  readonly insecureHostname: string | null;
  /** Milliseconds without a byte after which an answer is given up. */
  readonly stallMs: number;
}

/** Sends one request and follows its redirects; knows nothing of registries. Throws REMOTE when no answer comes. */
export type Transport = (outgoing: Outgoing) => Promise<Reply>;

/** Milliseconds for a whole answer: what is asked for here are documents, not layers. */
const TOTAL_MS = 5 * 60_000;
const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export function openTransport(options: TransportOptions): Transport {
  return async (outgoing) => {
    let { url } = outgoing;
    for (let left = MOST_REDIRECTS; ; left--) {
      const reply = await once({ ...outgoing, url }, outgoing.url.origin, options);
      if (!REDIRECTS.has(reply.status)) return reply;
      const next = target(reply, outgoing.method);
      await reply.discard();
      if (left === 0) throw refused(url, "it redirects too often");
      url = next;
    }
  };
}

async function once(
  { method, url, headers, body, authorization, endless = false }: Outgoing,
  trusted: string,
  { insecureHostname, stallMs }: TransportOptions,
): Promise<Reply> {
  const deadline = new Deadline(stallMs, endless ? null : TOTAL_MS);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        "user-agent": "wharfinger",
        ...headers,
        ...(authorization && url.origin === trusted && { authorization }),
      },
      ...(body && { body }),
      redirect: "manual",
      signal: deadline.signal,
      // Bun would send even 127.0.0.1 through the proxy of the environment.
      ...(isLoopback(url.hostname) && { proxy: false as const }),
      tls: { rejectUnauthorized: url.hostname !== insecureHostname },
    });
    deadline.renew();
    return new Reply(response, deadline, method, url);
  } catch (error) {
    deadline[Symbol.dispose]();
    throw unreachable(url, deadline, error);
  }
}

/** Where a redirect leads. Throws REMOTE for one that must not be followed. */
function target(reply: Reply, method: string): URL {
  const from = reply.url;
  const url = URL.parse(reply.header("location") ?? "", from.href);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw refused(from, "it redirects to no usable address");
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw refused(from, `it redirects from https to http (${url.origin})`);
  }
  // To repeat a change, or a request with a secret in its body, at another address is not ours to decide.
  if (method !== "GET" && method !== "HEAD") {
    throw refused(
      from,
      `it redirects a ${method} to ${url.origin}; use that address if it is the right one`,
    );
  }
  return url;
}

function refused({ origin }: URL, why: string): RegistryError {
  return new RegistryError("REMOTE", { reason: `${origin}: ${why}` });
}
