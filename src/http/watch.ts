import { readFile } from "node:fs/promises";
import type { Log } from "../observe/log.ts";
import { type Connection, isOverdue, seen, surplus } from "./connections.ts";
import { type Sockets, openSockets } from "./sockets.ts";

export interface WatchLimits {
  /** Connections open at a time. */
  readonly connections: number;
  /** Milliseconds that a client has to send the head of a request. */
  readonly head: number;
}

/** Sees to it that connections on which no request arrives do not stay, and do not become too many. */
export interface Watch {
  /** The server has the head of this request. */
  began(request: Request): void;
  /** Its answer has begun. */
  ended(request: Request): void;
  stop(): void;
}

/** Between two looks, in milliseconds. Ten thousand connections take 40 ms of each. */
const MOST_PAUSE = 5000;
/** Looks without letting others have a turn: about a millisecond. */
const SLICE = 256;
/** Files, the database and what tells us apart from a dead process need descriptors, too. */
const FOR_CONNECTIONS = 0.8;

const NONE: Watch = { began: () => undefined, ended: () => undefined, stop: () => undefined };

/** `portOf`: the client's port of a request that is being worked on, null when it has gone. */
export function watchConnections(
  localPort: number,
  portOf: (request: Request) => number | null,
  limits: WatchLimits,
  log: Log,
): Watch {
  const sockets = openSockets(localPort);
  if (!sockets) return NONE;
  const working = new Set<Request>();
  const look = lookAround(sockets, () => new Set([...working].map(portOf)), limits, log);
  let timer: ReturnType<typeof setTimeout> | null = null;
  let stopped = false;
  const later = (): void => {
    if (stopped) return;
    timer = setTimeout(
      () => {
        look()
          .catch((error: unknown) => log.warn({ err: error }, "connections cannot be watched"))
          .finally(later);
      },
      Math.min(MOST_PAUSE, limits.head / 4),
    );
    timer.unref();
  };
  later();
  return {
    began: (request) => void working.add(request),
    ended: (request) => void working.delete(request),
    stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
    },
  };
}

function lookAround(
  sockets: Sockets,
  ports: () => ReadonlySet<number | null>,
  limits: WatchLimits,
  log: Log,
): () => Promise<void> {
  let known = new Map<number, Connection>();
  let most: number | null = null;
  return async () => {
    most ??= Math.min(limits.connections, await descriptorsForConnections());
    const descriptors = await sockets.descriptors();
    const now = performance.now();
    const found = new Map<number, Connection>();
    let overdue = 0;
    for (let at = 0; at < descriptors.length; at += SLICE) {
      if (at > 0) await new Promise(setImmediate);
      // Anew in each turn. By their ports alone: a stranger with the same port is only spared a while.
      const serving = ports();
      for (const fd of descriptors.slice(at, at + SLICE)) {
        const sighting = sockets.look(fd);
        if (!sighting) continue;
        const connection = seen(known.get(fd), sighting, serving.has(sighting.port), now);
        if (isOverdue(connection, limits.head, now)) {
          sockets.end(fd);
          overdue++;
        } else found.set(fd, connection);
      }
    }
    const tooMany = endSurplus(sockets, found, most);
    known = found;
    if (overdue + tooMany > 0) log.warn({ overdue, tooMany }, "connections were closed");
  };
}

function endSurplus(
  sockets: Sockets,
  found: ReadonlyMap<number, Connection>,
  most: number,
): number {
  let ended = 0;
  for (const fd of surplus(found, most)) {
    // Turns have passed since it was seen.
    const sighting = sockets.look(fd);
    const known = found.get(fd);
    if (sighting?.port !== known?.port || sighting?.received !== known?.received) continue;
    sockets.end(fd);
    ended++;
  }
  return ended;
}

async function descriptorsForConnections(): Promise<number> {
  const text = await readFile("/proc/self/limits", "utf8");
  const soft = Number(/^Max open files\s+(\d+)/m.exec(text)?.[1]);
  return Number.isNaN(soft) ? Number.POSITIVE_INFINITY : Math.floor(soft * FOR_CONNECTIONS);
}
