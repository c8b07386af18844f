/**
 * Calls `work` with each item, for at most `limit` of them at a time, in the order in which they come.
 * Rejects with the first failure: no more is begun then, and what is under way ends before.
 */
export async function inParallel<T>(
  limit: number,
  items: AsyncIterator<T> | Iterator<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let failed = false;
  const lane = async (): Promise<void> => {
    try {
      for (let next = await items.next(); !next.done && !failed; next = await items.next()) {
        await work(next.value);
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const lanes = Array.from({ length: limit }, lane);
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
}

/** Work that its caller does not wait for, as long as there is not too much of it. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  #load = 0;

  /** `limit`: how much may be under way together. One that is heavier runs alone. */
  constructor(readonly limit: number) {}

  /** Begins the work as soon as there is room for it. Rejects with the failure of earlier work. */
  async begin(weight: number, work: () => Promise<void>): Promise<void> {
    while (this.#running.size > 0 && this.#load + weight > this.limit) {
      await Promise.race(this.#running);
    }
    this.#load += weight;
    const running = work();
    this.#running.add(running);
    // What failed stays, so that the next call or the end finds it.
    running.then(
      () => {
        this.#load -= weight;
        this.#running.delete(running);
      },
      () => undefined,
    );
  }

  /** Resolves when all is done. Rejects with the first failure. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#running);
    await Promise.all(this.#running);
  }
}
