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
const MOST_PAUSE = 2500;
/** Looks without letting others have a turn: about a millisecond. */
const SLICE = 256;
/** When others wait at the door, they come in at once. */
const PAUSE_WHEN_FULL = 500;
/** Where there are too many, so many stay: closing one for each that comes would let nobody in. */
const ROOM = 0.8;
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
  const usual = Math.min(MOST_PAUSE, limits.head / 4);
  const later = (pause: number): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      look().then(
        (full) => later(full ? Math.min(PAUSE_WHEN_FULL, usual) : usual),
        (error: unknown) => {
          log.warn({ err: error }, "connections cannot be watched");
          later(usual);
        },
      );
    }, pause);
    timer.unref();
  };
  later(usual);
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
): () => Promise<boolean> {
  let known = new Map<number, Connection>();
  const { connections, head } = limits;
  const most = Math.min(connections, Math.floor(sockets.mostDescriptors * FOR_CONNECTIONS));
  return async () => {
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
        if (isOverdue(connection, head, now)) {
          sockets.end(fd);
          overdue++;
        } else found.set(fd, connection);
      }
    }
    const tooMany = found.size > most ? endSurplus(sockets, found, most * ROOM) : 0;
    known = found;
    if (overdue + tooMany > 0) log.warn({ overdue, tooMany }, "connections were closed");
    return tooMany > 0;
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
