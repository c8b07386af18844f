import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { RegistryAddress } from "./address.ts";
import { createAuthorizer } from "./auth/auth.ts";
import type { CredentialSource } from "./auth/credentials.ts";
import { type ClockReading, readClock } from "./clock-reading.ts";
import { type Limits, type Pacing, REAL_TIME, limited } from "./http/limits.ts";
import type { LookUp } from "./http/look-up.ts";
import type { ProxyChoice } from "./http/proxy.ts";
import { type Subject, refusal } from "./http/refusal.ts";
import type { Reply } from "./http/reply.ts";
import { retrying } from "./http/retries.ts";
import { openTransport } from "./http/transport.ts";
import type { Trust } from "./http/trust.ts";

/** What is asked of a registry. */
export interface Ask {
  readonly method: "GET" | "HEAD" | "DELETE" | "POST" | "PATCH" | "PUT";
  /** Path and query, from `/v2/` or `/api/` on. */
  readonly path: string;
  /** Whole, so that it can be sent again when the registry asks who we are. */
  readonly content?: Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the caller must be allowed to, in the words of token servers: see `scopeOf`. */
  readonly scope: string;
  readonly accept?: string;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** The answer may take any time, as long as something comes now and then. */
  readonly endless?: boolean;
  /** The password goes with it at once: the registry would take us for nobody, and not ask for it. */
  readonly upfront?: boolean;
}

/** One registry, with whatever it takes to be let in. The files beside this one ask through it. */
export interface Connection {
  readonly address: RegistryAddress;
  /**
   * Any answer but a 401, which is dealt with here. The body must be read or discarded. Throws
   * REMOTE when no answer comes, CREDENTIALS when the registry does not let us in.
   */
  ask(ask: Ask): Promise<Reply>;
  /** The error that an unwanted answer means; reads the answer's body. */
  refusal(reply: Reply, subject: Subject): Promise<RegistryError>;
  /** What time it was, here and there, at its last answer that told; null: none has. */
  clock(): ClockReading | null;
}

export interface ConnectionOptions {
  readonly credentials: CredentialSource;
  /** Take any certificate of this registry's host. Other hosts, such as its token server, still need a good one. */
  readonly insecure?: boolean;
  /** Milliseconds without a byte after which an answer is given up. */
  readonly stallMs?: number;
  /** Unset: any number of requests at once, and a second. */
  readonly limits?: Limits | undefined;
  /** How often a request is repeated that was answered 429 or 5xx, or not at all; unset: never. */
  readonly retries?: number | undefined;
  readonly privateRealm?: boolean | undefined;
  readonly tokenServers?: readonly string[] | undefined;
  readonly proxyFor?: ProxyChoice | undefined;
  readonly trust?: Trust | undefined;
  /** What must never be shown, besides all credentials. */
  readonly secrets?: readonly string[] | undefined;
  /** For tests: how names are looked up, and time. */
  readonly lookUp?: LookUp | undefined;
  readonly pacing?: Pacing | undefined;
  /** UTC milliseconds. */
  readonly date?: (() => number) | undefined;
}

const STALL_MS = 30_000;

export function openConnection(address: RegistryAddress, options: ConnectionOptions): Connection {
  const { insecure, stallMs = STALL_MS, proxyFor, trust, lookUp, credentials } = options;
  const { limits, retries = 0, pacing = REAL_TIME, privateRealm, tokenServers } = options;
  const { date = Date.now } = options;
  const plain = openTransport({
    insecureHostname: insecure ? new URL(address.origin).hostname : null,
    stallMs,
    proxyFor,
    trust,
    lookUp,
    secrets: () => authorizer.secrets(),
  });
  const patience = { retries, ...pacing, chance: Math.random, date };
  const gate = limits && limited(plain, limits, pacing);
  // Waiting for another try takes nobody's place.
  const transport = retrying(gate?.send ?? plain, { ...patience, pause: gate?.pause });
  const authorizer = createAuthorizer(address, {
    credentials,
    transport: retrying(plain, patience),
    privateRealm,
    tokenServers,
    secrets: options.secrets,
  });

  let clock: ClockReading | null = null;
  const send = async (
    { method, path, accept, body, content, headers, endless }: Ask,
    authorization: string | null,
  ): Promise<Reply> => {
    const reply = await transport({
      method,
      url: urlOf(address, path),
      authorization,
      headers: {
        ...headers,
        ...(accept && { accept }),
        ...(body && { "content-type": "application/json" }),
      },
      ...(content && { body: content }),
      ...(body && { body: JSON.stringify(body) }),
      ...(endless && { endless }),
    });
    // What it redirects to is another machine.
    if (reply.url.origin === address.origin) clock = readClock(reply, date()) ?? clock;
    return reply;
  };

  return {
    address,
    async ask(ask) {
      const known = ask.upfront ? await authorizer.unasked(ask.scope) : authorizer.known(ask.scope);
      const reply = await send(ask, known);
      // A host that the registry redirects to gets no credentials, whatever it asks for.
      if (reply.status !== 401 || reply.url.origin !== address.origin) return reply;
      const header = reply.header("www-authenticate");
      if (ask.upfront && header === null) {
        throw await refusal(reply, { about: ask.path, missing: "REMOTE" }, authorizer.secrets());
      }
      await reply.discard();
      const refused = { header, refused: known, peer: reply.peer };
      const again = await send(ask, await authorizer.answer(refused, ask.scope));
      if (again.status !== 401) return again;
      throw await refusal(again, { about: ask.path, missing: "REMOTE" }, authorizer.secrets());
    },
    refusal: (reply, subject) => refusal(reply, subject, authorizer.secrets()),
    clock: () => clock,
  };
}

/** No path leads out of what it was made for, whatever somebody has let into it. */
function urlOf({ origin }: RegistryAddress, path: string): URL {
  const url = new URL(origin + path);
  if (url.origin === origin && url.pathname === path.split("?", 1)[0] && !url.hash) return url;
  throw new RegistryError("USAGE", { reason: `${JSON.stringify(path.slice(0, 300))} is no path` });
}

/** @see distribution, "Token Scope Documentation" */
export function scopeOf(name: RepositoryName, action: "pull" | "delete" | "push"): string {
  return `repository:${name}:${action === "pull" ? "pull" : `pull,${action}`}`;
}

export const CATALOG_SCOPE = "registry:catalog:*";
