import type { Storage } from "../storage/storage.ts";

/** So long may a thread that reads a tree be deaf to a question. */
const SLICE_MS = 5;

/** So long does it leave processor and disk to others after each slice, unless somebody waits for it. */
const REST_MS = 2;

/**
 * Lets the event loop turn between the looks of a storage that blocks, and the urgent ones go first: a
 * client waits for those.
 */
export class Turns {
  #since = performance.now();
  #urgent = 0;
  readonly #noMoreUrgent: (() => void)[] = [];
  #stopped = false;

  /** Its looks wait while there is urgent work. */
  background(storage: Storage): Storage {
    return waiting(storage, async () => {
      await this.#turn(REST_MS);
      while (this.#urgent > 0) {
        await new Promise<void>((resolve) => this.#noMoreUrgent.push(resolve));
      }
    });
  }

  /** Its looks wait for nothing, but let others have their turn. */
  between(storage: Storage): Storage {
    return waiting(storage, async () => await this.#turn(0));
  }

  /** Does work that somebody waits for; `work` gets the storage whose looks go first. */
  async urgently<T>(storage: Storage, work: (storage: Storage) => Promise<T>): Promise<T> {
    this.#urgent++;
    try {
      return await work(this.between(storage));
    } finally {
      if (--this.#urgent === 0) for (const go of this.#noMoreUrgent.splice(0)) go();
    }
  }

  /** From now on no look begins, and what waits for one waits for ever: the thread can be ended. */
  stop(): void {
    this.#stopped = true;
  }

  async #turn(rest: number): Promise<void> {
    if (performance.now() - this.#since >= SLICE_MS) {
      await (rest > 0 && this.#urgent === 0 ? Bun.sleep(rest) : new Promise(setImmediate));
      this.#since = performance.now();
    }
    if (this.#stopped) await new Promise(() => undefined);
  }
}

function waiting(storage: Storage, turn: () => Promise<void>): Storage {
  return {
    ...storage,
    async stat(path) {
      await turn();
      return await storage.stat(path);
    },
    async readSmall(path) {
      await turn();
      return await storage.readSmall(path);
    },
    async *list(folder) {
      await turn();
      yield* storage.list(folder);
    },
  };
}
