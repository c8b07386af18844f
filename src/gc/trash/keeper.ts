import type { Trash } from "./place.ts";
import { type Purged, purgeOldest } from "./purge.ts";
import { takeTurn } from "./turn.ts";

/** How long things stay in the trash. */
export interface TrashPolicy {
  /** Milliseconds. */
  readonly keepFor: number;
  /** With less than this percentage of the disk free, the oldest go before their time. */
  readonly freeSpace: number;
  /** The most that is freed in a second. */
  readonly pace: number;
}

export interface KeeperOptions {
  readonly trash: Trash;
  /** Asked each time; null: nothing may go now. */
  readonly policy: () => TrashPolicy | null;
  /** How much of the disk is free, in percent. */
  readonly free: () => Promise<number>;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Milliseconds that only ever grow. */
  readonly monotonic?: () => number;
  readonly freed: (purged: Purged, early: boolean) => void;
  readonly failed: (error: unknown) => void;
}

const MINUTE = 60_000;

/** The clock may be off by this much against the time that passes, from one look to the next. */
const JUMP = MINUTE;

/** After a jump of the clock, and after each start, nobody's time is up for so long. */
const DOUBT = 60 * MINUTE;

/**
 * Frees what has been in the trash for long enough, from time to time, as long as the registry runs.
 *
 * A clock that is set forward makes all that is there look old. So what is freed because of its age waits
 * until the clock has gone steadily for an hour, or for `keepFor` where that is shorter.
 */
export class TrashKeeper {
  readonly #options: KeeperOptions;
  readonly #monotonic: () => number;
  readonly #stop = new AbortController();
  #steadySince: number;
  #last: { readonly wall: number; readonly steady: number };
  #timer: ReturnType<typeof setTimeout> | null = null;
  #working: Promise<void> | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#steadySince = this.#monotonic();
    this.#last = { wall: options.now(), steady: this.#steadySince };
  }

  start(): void {
    if (this.#stop.signal.aborted) return;
    const keepFor = this.#options.policy()?.keepFor ?? MINUTE;
    const wait = Math.min(MINUTE, Math.max(500, keepFor / 4));
    this.#timer = setTimeout(() => {
      this.#working = this.once()
        .then(
          () => undefined,
          (error: unknown) => this.#options.failed(error),
        )
        .finally(() => this.start());
    }, wait);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#timer) clearTimeout(this.#timer);
    await this.#working;
  }

  /** One look; null when nobody's turn was to be had, or nothing may go. */
  async once(): Promise<Purged | null> {
    const { trash, policy, now, freed } = this.#options;
    const steady = this.#isSteadyFor();
    const rules = policy();
    const end = rules && takeTurn(trash.storage, "the freeing of what is old");
    if (!rules || !end) return null;
    try {
      const isOld = steady >= Math.min(DOUBT, rules.keepFor);
      let early = false;
      let low = await this.#isLow(rules);
      const purged = await purgeOldest(trash, {
        signal: this.#stop.signal,
        isDue: ({ removedAt }) => {
          if (isOld && removedAt <= now() - rules.keepFor) return true;
          early ||= low;
          return low;
        },
        after: async ({ entries }) => {
          if (entries === 0) return;
          await Bun.sleep((entries / rules.pace) * 1000);
          low = await this.#isLow(rules);
        },
      });
      if (purged.entries > 0) freed(purged, early);
      return purged;
    } finally {
      end();
    }
  }

  async #isLow({ freeSpace }: TrashPolicy): Promise<boolean> {
    if (freeSpace === 0 || (await this.#options.free()) >= freeSpace) return false;
    // Tags and manifests take next to nothing: where there are no bytes, to free them would gain nothing.
    return (await this.#options.trash.rows.sumTrash()).bytes > 0;
  }

  /** For how long the clock has gone as time passes. */
  #isSteadyFor(): number {
    const [wall, steady] = [this.#options.now(), this.#monotonic()];
    const drift = wall - this.#last.wall - (steady - this.#last.steady);
    if (Math.abs(drift) > JUMP) this.#steadySince = steady;
    this.#last = { wall, steady };
    return steady - this.#steadySince;
  }
}
