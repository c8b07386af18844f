import type { RetentionWrites } from "../metadata/retention-records.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";

/** Where pulls are written down. */
type Written = Pick<RetentionWrites, "recordPulls">;

/** How many manifests may wait to be written down. */
const MOST = 100_000;

/** Between two writes. */
const WRITE_MS = 60_000;

/**
 * Remembers which manifests were pulled, and writes that down once a minute, in one transaction, and at a
 * stop. So pulls cost no writes, and what is known is precise to a minute; a crash loses the last one.
 *
 * What cannot be written waits for the next time. Are there too many, the rest is dropped and counted.
 */
export class PullTimes {
  /** By repository, each with when it was pulled first since the last write. */
  #waiting = new Map<RepositoryName, Map<Digest, number>>();
  #count = 0;
  #held = false;
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();
  dropped = 0;

  constructor(
    readonly most = MOST,
    readonly writeMs = WRITE_MS,
  ) {}

  /** Notes a pull. `counts` is asked only of what was not noted since the last write: most pulls cost two look-ups. */
  note(name: RepositoryName, digest: Digest, now: () => number, counts: () => boolean): void {
    const known = this.#waiting.get(name);
    if (known?.has(digest) || !counts()) return;
    if (this.#count >= this.most) {
      this.dropped++;
      return;
    }
    this.#count++;
    if (known) known.set(digest, now());
    else this.#waiting.set(name, new Map([[digest, now()]]));
  }

  /** Nothing is written while this is so: the registry is read-only. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** Writes from now on. `failed` hears why that could not be done. */
  start(metadata: Written, failed: (error: unknown) => void): void {
    this.#timer = setInterval(() => {
      this.flush(metadata).catch(failed);
    }, this.writeMs);
    this.#timer.unref();
  }

  /** Writes what waits. Rejects when that could not be done: then it waits on. */
  async flush(metadata: Written): Promise<void> {
    const written = this.#writing.then(async () => await this.#write(metadata));
    this.#writing = written.catch(() => undefined);
    await written;
  }

  async close(metadata: Written): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.flush(metadata);
  }

  async #write(metadata: Written): Promise<void> {
    if (this.#held || this.#count === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    this.#count = 0;
    const pulls = [...waiting].flatMap(([name, digests]) =>
      [...digests].map(([digest, at]) => ({ name, digest, at })),
    );
    try {
      await metadata.recordPulls(pulls);
    } catch (error) {
      for (const { name, digest, at } of pulls) {
        this.note(
          name,
          digest,
          () => at,
          () => true,
        );
      }
      throw error;
    }
  }
}
