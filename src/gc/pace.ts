/** Spreads work over time: `rate` a second, and no burst after a pause. Times in milliseconds. */
export class Pace {
  #free = Number.NEGATIVE_INFINITY;

  constructor(
    readonly rate: () => number,
    readonly uptime: () => number = () => performance.now(),
    readonly sleep: (ms: number) => Promise<unknown> = (ms) => Bun.sleep(ms),
  ) {}

  /** Resolves when that much more may be done. */
  async take(amount: number): Promise<void> {
    const now = this.uptime();
    const from = Math.max(now, this.#free);
    this.#free = from + (amount * 1000) / this.rate();
    // Also when it need not wait: clients get their turn between two batches.
    await this.sleep(Math.max(0, from - now));
  }
}
