import type { Pacing } from "../../src/client/http/limits.ts";

/** Time that passes only when somebody waits for it, and then at once. */
export interface VirtualTime extends Pacing {
  /** Every wait, in milliseconds. */
  readonly slept: readonly number[];
}

export function virtualTime(): VirtualTime {
  let time = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => time,
    async sleep(ms) {
      slept.push(ms);
      const until = time + ms;
      await Promise.resolve();
      time = Math.max(time, until);
    },
  };
}
