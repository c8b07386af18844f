/** How much work is done and may wait. */
export interface QueueLimits {
  /** Pieces of work under way at a time. */
  readonly atOnce: number;
  /** Pieces that may wait: of one client, and of all together. */
  readonly perClient: number;
  readonly inAll: number;
}

interface Waiting {
  readonly start: () => void;
}

/**
 * Lets in few at a time, each client in turn: whoever asks for much waits behind himself, not others
 * behind him. Bounded: what cannot even wait is refused at once.
 */
export class WorkQueue {
  #running = 0;
  #waiting = 0;
  /** In the order of their turns. */
  readonly #clients = new Map<string, Waiting[]>();

  constructor(readonly limits: QueueLimits) {}

  /** Null, and nothing is done, when too many wait already. */
  run<T>(client: string, work: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.limits.atOnce) return this.#start(work);
    const own = this.#clients.get(client) ?? [];
    if (own.length >= this.limits.perClient || this.#waiting >= this.limits.inAll) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    own.push({ start: resolve });
    this.#clients.set(client, own);
    this.#waiting++;
    // The place was kept for it by whoever woke it.
    return promise.then(async () => await this.#finish(work));
  }

  #start<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    return this.#finish(work);
  }

  async #finish<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  /** Hands the place on to the client whose turn it is, and puts him last. */
  #next(): void {
    for (const [client, [first, ...rest]] of this.#clients) {
      this.#clients.delete(client);
      if (rest.length > 0) this.#clients.set(client, rest);
      if (!first) continue;
      this.#waiting--;
      first.start();
      return;
    }
    this.#running--;
  }
}
