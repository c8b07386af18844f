import { type Caller, NOBODY } from "../auth/caller.ts";
import type { Gate } from "../auth/gate.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Log } from "../observe/log.ts";
import { hideRepositories } from "../registry/hidden.ts";
import type { Registry } from "../registry/registry.ts";
import { clientAddresses } from "./client-address.ts";
import { Flood } from "./flood.ts";
import { admit, withChallenge } from "./guard.ts";
import type { Observer, Visit } from "./observer.ts";
import { asRegistryError, empty, errorReply } from "./reply.ts";
import { type Match, match } from "./routes.ts";
import { watchConnections } from "./watch.ts";

export interface ServerOptions {
  readonly hostname: string;
  /** 0: any free port. */
  readonly port: number;
  /** Put before the paths in Location and Link headers; "" makes them relative to the host. */
  readonly publicUrl: string;
  readonly gate: Gate;
  /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[];
  /** Who hears of every answer. */
  readonly observers: readonly Observer[];
  readonly limits?: ServerLimits;
}

/** What one client, or many, may take of the server. Times in milliseconds. */
export interface ServerLimits {
  readonly connections: number;
  /** A connection without a byte for this long is closed; at most 255 s, which is all that Bun can. */
  readonly idle: number;
  /** The time a client has to send the head of a request. */
  readonly head: number;
  /** From one address; undefined: any number. */
  readonly requestsPerSecond?: number | undefined;
}

export interface RunningServer {
  readonly port: number;
  /** Takes no new connections and resolves when the last transfer has ended. */
  stop(): Promise<void>;
  /** Cuts off what still runs. */
  abort(): Promise<void>;
}

/** Bun's own default for `idle`, 10 s, would cut slow clients. */
const USUAL: ServerLimits = { connections: 20_000, idle: 255_000, head: 60_000 };

export function startServer(registry: Registry, options: ServerOptions, log: Log): RunningServer {
  const limits = options.limits ?? USUAL;
  const flood = limits.requestsPerSecond ? new Flood(limits.requestsPerSecond) : null;
  const clientAddress = clientAddresses(options.trustedProxies ?? []);
  const house: House = { visible: registry, hidden: hideRepositories(registry) };
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    idleTimeout: Math.ceil(limits.idle / 1000),
    // Bun's default is 128 MiB. Layers have no limit; documents are limited where they are read.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    // Without this a production server shares its port with any other process that asks for it.
    reusePort: false,
    async fetch(request, bun) {
      const peer = bun.requestIP(request)?.address ?? "";
      const address = clientAddress(peer, request.headers.get("x-forwarded-for"));
      watch.began(request);
      try {
        return await respond(request, address, house, options, flood, log);
      } finally {
        watch.ended(request);
      }
    },
    error(error) {
      log.error({ err: error }, "a response failed");
      return errorReply(new RegistryError("INTERNAL"));
    },
  });
  const portOf = (request: Request): number | null => server.requestIP(request)?.port ?? null;
  const watch = watchConnections(server.port ?? options.port, portOf, limits, log);
  return {
    port: server.port ?? options.port,
    async stop() {
      watch.stop();
      const closed = server.stop(false);
      // At least one pause: a request that has arrived may not have been read yet, and is under way too.
      do await Bun.sleep(50);
      while (server.pendingRequests > 0);
      // What is left are idle keep-alive connections.
      await server.stop(true);
      await closed;
    },
    async abort() {
      watch.stop();
      await server.stop(true);
    },
  };
}

/** The registry, for those who may see a repository of it, and for those who may not. */
interface House {
  readonly visible: Registry;
  readonly hidden: Registry;
}

async function respond(
  request: Request,
  address: string,
  house: House,
  options: ServerOptions,
  flood: Flood | null,
  log: Log,
): Promise<Response> {
  const began = performance.now();
  const { method } = request;
  const { path, query } = split(request.url);
  if (method === "OPTIONS") return empty(204, { allow: allowed(path) });
  let matched: Match | null = null;
  let caller: Caller | null = null;
  let response: Response;
  try {
    flood?.admit(address, began);
    matched = match(method, path);
    const { route, parameters } = matched;
    if (route.permission === "none") caller = NOBODY;
    else {
      // Most callers are known at once; waiting for a value that is there would cost a turn.
      const identified = options.gate.identify(request.headers, address);
      caller = identified instanceof Promise ? await identified : identified;
    }
    const asks = options.gate.challenge(null) !== null;
    const granted = admit(matched, caller, asks) === "granted";
    const registry = granted ? house.visible : house.hidden;
    const { publicUrl } = options;
    const exchange = { request, parameters, query, caller, address, registry, publicUrl };
    response = await route.handler(exchange);
  } catch (thrown) {
    const error = withChallenge(asRegistryError(thrown), matched, options.gate);
    response = isGone(thrown) ? empty(499) : errorReply(error);
    if (response.status >= 500) log.error({ err: thrown, method, path }, "request failed");
  }
  const ms = performance.now() - began;
  const { status } = response;
  const route = matched?.route ?? null;
  const visit: Visit = { request, address, path, route, caller, status, ms };
  for (const observer of options.observers) observer.answered(visit, response);
  const level = levelOf(method, response.status);
  if (log.isLevelEnabled(level)) {
    const rounded = Math.round(ms * 10) / 10;
    log[level]({ method, path, status: response.status, ms: rounded }, "request");
  }
  return response;
}

/** Changes and refusals are news. Reads are not, nor is a HEAD that finds nothing: every push begins with some. */
function levelOf(method: string, status: number): "debug" | "info" {
  const read = method === "HEAD" || (method === "GET" && status < 400);
  return read && status < 500 ? "debug" : "info";
}

const NO_QUERY = new URLSearchParams();

/**
 * The path and the query, not decoded. The host part is skipped, not used: it comes from a header that the
 * client makes up, and Bun leaves it out when it is not a host.
 */
function split(url: string): { path: string; query: URLSearchParams } {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  const question = url.indexOf("?", start);
  if (question === -1) return { path: url.slice(start), query: NO_QUERY };
  return { path: url.slice(start, question), query: new URLSearchParams(url.slice(question + 1)) };
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
