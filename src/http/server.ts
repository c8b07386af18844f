import { withoutMapping } from "../auth/address.ts";
import { type Caller, NOBODY } from "../auth/caller.ts";
import type { Gate } from "../auth/gate.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Log } from "../observe/log.ts";
import { hideRepositories } from "../registry/hidden.ts";
import type { Registry } from "../registry/registry.ts";
import { clientAddresses, forwardedSchemes } from "./client-address.ts";
import type { Handler } from "./exchange.ts";
import { type ExtraHeaders, extraHeaders } from "./extra-headers.ts";
import { Flood } from "./flood.ts";
import { admit, withChallenge } from "./guard.ts";
import { Listener, type Place, type TlsOptions } from "./listener.ts";
import type { Observer, Visit } from "./observer.ts";
import type { Operations } from "./operations.ts";
import { baseOf } from "./origin.ts";
import { asRegistryError, empty, errorReply } from "./reply.ts";
import { type Match, type Route, match } from "./routes.ts";
import { Sender } from "./sender.ts";
import { targetOf } from "./target.ts";
import { watchConnections } from "./watch.ts";

/** What requests go by. Replaced as a whole, between two requests. */
export interface ServerSettings {
  /** Put before the paths in Location and Link headers; "" makes them relative to the host. */
  readonly publicUrl: string;
  /** The paths of the API begin with it. "" or absent: no prefix. */
  readonly prefix?: string;
  readonly gate: Gate;
  /** Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies?: readonly string[];
  /** Who hears of every answer. */
  readonly observers: readonly Observer[];
  /** On every answer that does not say them itself. */
  readonly headers: ExtraHeaders;
  /** Whatever would change something is refused. */
  readonly readOnly: boolean;
  readonly limits?: ServerLimits;
}

/** What one client, or many, may take of the server. Times in milliseconds. */
export interface ServerLimits {
  readonly connections: number;
  /** A connection without a byte for this long is closed; at most 255 s, which is all that Bun can. */
  readonly idle: number;
  /** The time a client has to send the head of a request. */
  readonly head: number;
  /** From one address; undefined: any number. The only one that can be changed while the server runs. */
  readonly requestsPerSecond?: number | undefined;
}

/** Bun's own default for `idle`, 10 s, would cut slow clients. */
const USUAL: ServerLimits = { connections: 20_000, idle: 255_000, head: 60_000 };

export interface ServerOptions extends Place, ServerSettings {
  readonly tls: TlsOptions | null;
  readonly operations: Operations;
}

export interface RunningServer {
  readonly port: number;
  /** Requests whose answer is not complete. */
  readonly pending: number;
  /** From the next request on these settings are in force, and this registry is served. */
  change(settings: ServerSettings, registry: Registry): void;
  /** Shows another certificate to whoever connects from now on. Throws when it cannot be used. */
  present(tls: TlsOptions): Promise<void>;
  /** Takes no new connections and resolves when the last transfer has ended. */
  stop(): Promise<void>;
  /** Cuts off what still runs. */
  abort(): Promise<void>;
}

/** All that the way of a request needs to know. */
interface Situation {
  /** The registry, for those who may see a repository of it, and for those who may not. */
  readonly visible: Registry;
  readonly hidden: Registry;
  readonly settings: ServerSettings;
  readonly operations: Operations;
  /** Whether there is a gate at which one can say who one is. */
  readonly asks: boolean;
  readonly proxies: Sender["proxies"];
  readonly addHeaders: ReturnType<typeof extraHeaders>;
  readonly flood: Flood | null;
  readonly log: Log;
}

export function startServer(registry: Registry, options: ServerOptions, log: Log): RunningServer {
  const { operations, limits = USUAL } = options;
  let now = situation(registry, options, operations, log);
  const listener = new Listener(
    { ...options, idle: Math.ceil(limits.idle / 1000) },
    async (request) => {
      watch.began(request);
      try {
        return await respond(request, new Sender(request, peerOf, now.proxies), now);
      } finally {
        watch.ended(request);
      }
    },
    (error) => {
      log.error({ err: error }, "a response failed");
      return errorReply(new RegistryError("INTERNAL"));
    },
  );
  const peerOf = (request: Request): string =>
    withoutMapping(listener.client(request)?.address ?? "");
  const portOf = (request: Request): number | null => listener.client(request)?.port ?? null;
  const watch = watchConnections(listener.port, portOf, limits, log);
  return {
    port: listener.port,
    get pending() {
      return listener.pending;
    },
    change(settings, served) {
      now = situation(served, settings, operations, log);
    },
    present: async (tls) => await listener.present(tls),
    async stop() {
      watch.stop();
      await listener.stop();
    },
    async abort() {
      watch.stop();
      await listener.abort();
    },
  };
}

function situation(
  registry: Registry,
  settings: ServerSettings,
  operations: Operations,
  log: Log,
): Situation {
  const trusted = settings.trustedProxies ?? [];
  const rate = settings.limits?.requestsPerSecond;
  return {
    visible: registry,
    hidden: hideRepositories(registry),
    settings,
    operations,
    asks: settings.gate.challenge(null) !== null,
    proxies: { address: clientAddresses(trusted), scheme: forwardedSchemes(trusted) },
    addHeaders: extraHeaders(settings.headers),
    flood: rate ? new Flood(rate) : null,
    log,
  };
}

async function respond(request: Request, sender: Sender, here: Situation): Promise<Response> {
  const began = performance.now();
  const { settings, operations, flood, log } = here;
  const { gate } = settings;
  const { method } = request;
  const { path, query } = targetOf(request.url, settings.prefix ?? "");
  let matched: Match | null = null;
  let caller: Caller | null = null;
  let response: Response;
  try {
    flood?.admit(sender.address, began);
    if (method === "OPTIONS") {
      // Nobody is asked who he is: a browser asks this before it sends credentials.
      response = empty(204, { allow: allowed(path) });
    } else {
      matched = match(method, path);
      const { route, parameters } = matched;
      if (route.permission === "none") caller = NOBODY;
      else {
        // Most callers are known at once; waiting for a value that is there would cost a turn.
        const identified = gate.identify(request.headers, sender);
        caller = identified instanceof Promise ? await identified : identified;
      }
      const granted = admit(matched, caller, here.asks) === "granted";
      const registry = granted ? here.visible : here.hidden;
      const handler = settings.readOnly ? readOnly(route) : route.handler;
      response = await handler({
        request,
        parameters,
        query,
        caller,
        sender,
        issuer: gate.issuer ?? null,
        registry,
        publicUrl: settings.publicUrl,
        operations,
      });
    }
  } catch (thrown) {
    const base = baseOf(settings.publicUrl, request.url, sender.scheme);
    const error = withChallenge(asRegistryError(thrown), matched, gate, base);
    response = isGone(thrown) ? empty(499) : errorReply(error);
    if (response.status >= 500) log.error({ err: thrown, method, path }, "request failed");
  }
  here.addHeaders?.(request, response.headers);
  const { status } = response;
  const visit: Visit = {
    request,
    sender,
    path,
    route: matched?.route ?? null,
    caller,
    status,
    ms: performance.now() - began,
    received: method === "GET" || method === "HEAD" ? 0 : announcedLength(request.headers),
    sent: method === "HEAD" || status === 304 ? 0 : announcedLength(response.headers),
  };
  tell(visit, response, here);
  return response;
}

/** To those who observe, and to the log. */
function tell(
  visit: Visit,
  response: Response,
  { settings, log }: Pick<Situation, "settings" | "log">,
): void {
  for (const observer of settings.observers) observer.answered(visit, response);
  const { path, status, ms } = visit;
  const { method } = visit.request;
  const level = levelOf(method, status);
  if (!log.isLevelEnabled(level)) return;
  log[level]({ method, path, status, ms: Math.round(ms * 10) / 10 }, "request");
}

/** The route's handler, or one that refuses when the route would change something. */
function readOnly({ writes, handler }: Route): Handler {
  return writes ? refuseWrites : handler;
}

const refuseWrites: Handler = async () => {
  throw new RegistryError("READ_ONLY", {}, { headers: { allow: "GET, HEAD, OPTIONS" } });
};

/** Changes and refusals are news. Reads are not, nor is a HEAD that finds nothing: every push begins with some. */
function levelOf(method: string, status: number): "debug" | "info" {
  const read = method === "HEAD" || (method === "GET" && status < 400);
  return read && status < 500 ? "debug" : "info";
}

/** What a client says here may be anything: what is no number counts nothing. */
function announcedLength(headers: Headers): number {
  const text = headers.get("content-length");
  const length = text === null ? 0 : Number(text);
  return Number.isSafeInteger(length) && length > 0 ? length : 0;
}

/** The client went away: nobody reads the answer, and nothing is wrong with us. */
function isGone(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function allowed(path: string): string {
  try {
    match("OPTIONS", path);
  } catch (error) {
    if (error instanceof RegistryError && error.headers["allow"]) return error.headers["allow"];
  }
  return "OPTIONS";
}
