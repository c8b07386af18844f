import type { Sighting } from "./sockets.ts";

/** What is remembered of one connection between two looks. Times are milliseconds of one clock. */
export interface Connection {
  readonly port: number;
  readonly received: number;
  readonly delivered: number;
  /** A request of it is being worked on, or its answer is not taken yet. */
  readonly serving: boolean;
  /** When a byte was last seen to have come or gone. */
  readonly activeAt: number;
  /** Received before whatever it is sending now. */
  readonly before: number;
  /** Since when it has been sending a request that has not arrived here; null: it is not. */
  readonly sendingSince: number | null;
}

/**
 * No head of a request is larger: the server refuses it at 16 KiB. What is larger is a body that nobody
 * wants, on its way out after a refusal, or a TLS handshake.
 */
const LARGEST_HEAD = 64 * 1024;

/**
 * What one look at a connection means. Pure.
 *
 * The server does not say when the head of a request begins. But whoever sends bytes while no request of
 * his is being worked on, and gets none back, is sending one.
 */
export function seen(
  known: Connection | undefined,
  { port, received, delivered, waiting }: Sighting,
  working: boolean,
  now: number,
): Connection {
  // The descriptor may belong to another connection by now.
  const same = known?.port === port && received >= known.received && delivered >= known.delivered;
  const last = same
    ? known
    : { received: 0, delivered: 0, activeAt: now, before: 0, sendingSince: null };
  const serving = working || waiting > 0;
  const active = received !== last.received || delivered !== last.delivered;
  const before = serving || delivered !== last.delivered ? received : last.before;
  return {
    port,
    received,
    delivered,
    serving,
    activeAt: active ? now : last.activeAt,
    before,
    sendingSince: received > before ? (last.sendingSince ?? now) : null,
  };
}

/** Whether a client takes longer than `patience` to send the head of a request. Pure. */
export function isOverdue(
  { received, before, sendingSince }: Connection,
  patience: number,
  now: number,
): boolean {
  if (sendingSince === null || received - before > LARGEST_HEAD) return false;
  return now - sendingSince > patience;
}

/**
 * Which connections go when there are more than `most`: of those that nothing is being done for, the ones
 * that have been quiet for longest. Clients whose requests are served keep theirs. Pure.
 */
export function surplus(
  connections: ReadonlyMap<number, Connection>,
  most: number,
): readonly number[] {
  const count = connections.size - most;
  if (count <= 0) return [];
  return [...connections]
    .filter(([, { serving }]) => !serving)
    .toSorted(([, a], [, b]) => a.activeAt - b.activeAt)
    .slice(0, count)
    .map(([fd]) => fd);
}
