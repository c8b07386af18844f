import type { Transport } from "./transport.ts";

export interface Limits {
  /** Requests at once. */
  readonly concurrency: number;
  /** Requests a second at most; null: no limit. */
  readonly rate: number | null;
}

/** The clock, and waiting by it; tests bring their own. */
export interface Pacing {
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export const REAL_TIME: Pacing = {
  now: () => performance.now(),
  sleep: (ms) => Bun.sleep(ms),
};

export interface Limited {
  readonly send: Transport;
  /** Nobody sends anything for so many milliseconds: the server has asked for it. */
  readonly pause: (ms: number) => void;
}

/**
 * All users of one connection together send no more than this. A request takes its place until its answer
 * was read or discarded; one whose answer is a stream of any length only until that begins, so that
 * whoever reads it can ask for other things meanwhile. First come, first served.
 */
export function limited(
  transport: Transport,
  { concurrency, rate }: Limits,
  { now, sleep }: Pacing,
): Limited {
  let free = concurrency;
  const waiting: (() => void)[] = [];
  /** When the next request may begin. */
  let next = -Infinity;
  let pausedUntil = -Infinity;
  const apart = rate === null ? 0 : 1000 / rate;

  const leave = (): void => {
    const first = waiting.shift();
    if (first) first();
    else free++;
  };
  const turn = async (): Promise<void> => {
    while (pausedUntil > now()) await sleep(pausedUntil - now());
    if (apart === 0) return;
    const at = Math.max(next, now());
    next = at + apart;
    if (at > now()) await sleep(at - now());
  };

  return {
    async send(outgoing) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        if (apart > 0 || pausedUntil > now()) await turn();
        const reply = await transport(outgoing);
        if (outgoing.endless) leave();
        else reply.whenOver(leave);
        return reply;
      } catch (error) {
        leave();
        throw error;
      }
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, now() + ms);
    },
  };
}
