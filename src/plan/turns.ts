import { setTimeout as sleep } from "node:timers/promises";

/** Lets so much work be done at once, and no faster than that. */
export interface Turns {
  /** Does the work when it is its turn. */
  take<T>(work: () => Promise<T>): Promise<T>;
}

/** `most` pieces of work at once; `rate`: so many begun in a second at most, evenly; null: as many as come. */
export function turns(most: number, rate: number | null = null): Turns {
  let free = most;
  let next = 0;
  const waiting: (() => void)[] = [];
  const pause = rate === null ? 0 : 1000 / rate;
  return {
    async take(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        const now = performance.now();
        const at = Math.max(now, next);
        next = at + pause;
        if (at > now) await sleep(at - now);
        return await work();
      } finally {
        const first = waiting.shift();
        // The turn passes on, so that nobody comes in between.
        if (first) first();
        else free++;
      }
    },
  };
}
