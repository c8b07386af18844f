import { RegistryError } from "../../oci/errors.ts";
import { Deadline } from "./deadline.ts";
import { type LookUp, NameBook, systemLookUp } from "./look-up.ts";
import type { ProxyChoice } from "./proxy.ts";
import { isAddress, mayLead } from "./reach.ts";
import { Reply } from "./reply.ts";
import { decoded, holds } from "./secrets.ts";
import type { Identity, Trust } from "./trust.ts";
import { fateOf, unreachable } from "./unreachable.ts";

export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | string | Uint8Array<ArrayBuffer>;
  /** For the origin of `url` alone: not sent wherever else a redirect leads. */
  readonly authorization?: string | null;
  /** No limit for the whole answer, only for the time without a byte. */
  readonly endless?: boolean;
  /** Who has named this address: unset, whoever configured it, who may name any. */
  readonly namedBy?: Guide;
}

/** A server that leads us somewhere else. */
export interface Guide {
  /** Its IP address; null when a proxy knows it. */
  readonly peer: string | null;
  /** It may lead into the private network although it is not there itself. */
  readonly privateToo?: boolean;
}

export interface TransportOptions {
  /** The one host whose certificate is not checked; null: all are. */
  readonly insecureHostname: string | null;
  /** Milliseconds without a byte after which an answer is given up. */
  readonly stallMs: number;
  /** Unset: everybody is asked directly. */
  readonly proxyFor?: ProxyChoice | undefined;
  readonly lookUp?: LookUp | undefined;
  readonly trust?: Trust | undefined;
  /** What nobody may have us say: addresses are shown, looked up and logged on the way. */
  readonly secrets?: (() => readonly string[]) | undefined;
}

/** Sends one request and follows its redirects; knows nothing of registries. Throws REMOTE when no answer comes. */
export type Transport = (outgoing: Outgoing) => Promise<Reply>;

/** Milliseconds for a whole answer: what is asked for here are documents, not layers. */
const TOTAL_MS = 5 * 60_000;
const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Bytes. */
const LARGEST_HEAD = 64 * 1024;

export function openTransport(options: TransportOptions): Transport {
  const names = new NameBook(options.lookUp ?? systemLookUp);
  return async (outgoing) => {
    let asked = outgoing;
    for (let left = MOST_REDIRECTS; ; left--) {
      const reply = await reach(asked, options, names);
      if (!REDIRECTS.has(reply.status)) return reply;
      const { peer } = reply;
      const from = asked.url;
      let url: URL;
      try {
        url = target(reply, outgoing.method, options.secrets?.() ?? []);
      } finally {
        await reply.discard();
      }
      if (left === 0) throw refused(from, "it redirects too often");
      // What has once been left out does not come back, wherever the way leads.
      const authorization = url.origin === from.origin ? (asked.authorization ?? null) : null;
      asked = { ...asked, url, authorization, namedBy: { peer } };
    }
  };
}

/** Asks one of the addresses that the host has; the next one when nobody has heard of the request. */
async function reach(
  outgoing: Outgoing,
  options: TransportOptions,
  names: NameBook,
): Promise<Reply> {
  const { url, namedBy } = outgoing;
  const proxy = options.proxyFor?.(url) ?? null;
  const deadline = new Deadline(options.stallMs, outgoing.endless ? null : TOTAL_MS);
  try {
    const addresses = await addressesOf(url, names, deadline, proxy !== null);
    if (namedBy) {
      // All of them: a name that leads here and there is not looked up to be half right.
      const wrong = addresses.find((one) => !mayLead(namedBy.peer ?? "", one, namedBy.privateToo));
      if (wrong !== undefined)
        throw refused(url, `a registry leads to ${wrong}, which is not for it to name`);
    }
    if (proxy !== null)
      return await trusting(outgoing, options, deadline, proxy, addresses[0] ?? null);
    for (const [index, address] of addresses.entries()) {
      try {
        return await trusting(outgoing, options, deadline, null, address);
      } catch (error) {
        if (fateOf(error) !== "unsent") throw error;
        names.avoid(url.hostname, address);
        if (index === addresses.length - 1) throw error;
      }
    }
    throw refused(url, "its name has no address");
  } catch (error) {
    deadline[Symbol.dispose]();
    throw error;
  }
}

/** None: behind a proxy a name may be known to that alone. */
async function addressesOf(
  url: URL,
  names: NameBook,
  deadline: Deadline,
  proxied: boolean,
): Promise<readonly string[]> {
  const { hostname } = url;
  if (isAddress(hostname)) return [hostname.replace(/^\[|\]$/g, "")];
  try {
    return await names.addresses(hostname);
  } catch (error) {
    if (proxied) return [];
    throw unreachable(url, deadline, error);
  }
}

/** Asks as one who believes these authorities, then those, until one has vouched for who is there. */
async function trusting(
  outgoing: Outgoing,
  options: TransportOptions,
  deadline: Deadline,
  proxy: string | null,
  address: string | null,
): Promise<Reply> {
  const { url } = outgoing;
  const ways = url.protocol === "https:" ? (options.trust?.(url) ?? []) : [];
  // A copy: other requests put first what they have found out.
  for (const [index, way] of [...ways].entries()) {
    try {
      const reply = await once(outgoing, options, deadline, proxy, address, way);
      if (ways[0] !== way) ways.unshift(...ways.splice(ways.indexOf(way), 1));
      return reply;
    } catch (error) {
      if (fateOf(error) !== "untrusted" || index === ways.length - 1) throw error;
    }
  }
  return await once(outgoing, options, deadline, proxy, address, {});
}

async function once(
  { method, url, headers, body, authorization }: Outgoing,
  { insecureHostname }: TransportOptions,
  deadline: Deadline,
  proxy: string | null,
  address: string | null,
  identity: Identity,
): Promise<Reply> {
  const { hostname } = url;
  const named = !isAddress(hostname);
  // To the address that was checked, not to what the name may mean a moment later.
  const pinned = proxy === null && named && address !== null;
  let response: Response;
  try {
    response = await fetch(pinned ? atAddress(url, address) : url.href, {
      method,
      headers: {
        "user-agent": "wharfinger",
        // What is packed may be anything when it is unpacked.
        "accept-encoding": "identity",
        ...headers,
        ...(pinned && { host: url.host }),
        ...(authorization && { authorization }),
      },
      ...(body && { body }),
      redirect: "manual",
      decompress: false,
      signal: deadline.signal,
      // Bun would obey the variables by itself, and send even 127.0.0.1 through the proxy.
      proxy: (proxy ?? false) as string,
      ...(url.protocol === "https:" && {
        tls: {
          rejectUnauthorized: hostname !== insecureHostname,
          ...(pinned && { serverName: hostname }),
          ...identity,
        },
      }),
    });
  } catch (error) {
    throw unreachable(url, deadline, error);
  }
  deadline.renew();
  const reply = new Reply(response, deadline, method, url, address);
  const objection = unwanted(response);
  if (objection === null) {
    // Nothing follows: whoever waits for this one to end need not wait for somebody to say so.
    if (method === "HEAD" || response.body === null) deadline[Symbol.dispose]();
    return reply;
  }
  await reply.discard();
  throw refused(url, objection);
}

/** Why an answer is not even looked at. */
function unwanted({ headers }: Response): string | null {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && !/^\s*(?:identity\s*)?$/i.test(encoding)) {
    return "its answer is packed, although it was asked not to";
  }
  let size = 0;
  for (const [name, value] of headers) size += name.length + value.length + 4;
  return size > LARGEST_HEAD ? "the head of its answer is too large" : null;
}

function atAddress(url: URL, address: string): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `${url.protocol}//${host}${url.port && `:${url.port}`}${url.pathname}${url.search}`;
}

/** Where a redirect leads. Throws REMOTE for one that must not be followed. */
function target(reply: Reply, method: string, secrets: readonly string[]): URL {
  const from = reply.url;
  const url = URL.parse(reply.header("location") ?? "", from.href);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw refused(from, "it redirects to no usable address");
  }
  if (holds(secrets, decoded(url.href))) {
    throw refused(from, "it redirects to an address with a secret of ours in it");
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
  return new RegistryError("REMOTE", { reason: `${origin}: ${why}`, fate: "refused" });
}
