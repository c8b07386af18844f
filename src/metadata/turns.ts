import type { Storage } from "../storage/storage.ts";

/** So long may a thread that reads a tree be deaf to a question. */
const SLICE_MS = 5;

/** So long does it leave processor and disk to others after each slice, unless somebody waits for it. */
const REST_MS = 2;

/** So long does it let those go first that somebody waits for, before a slice of its own. */
const PATIENCE_MS = 20;

/**
 * Lets the event loop turn between the looks of a storage that blocks, and the urgent ones go first: a
 * client waits for those. They get most of the time, not all of it: there may be no end of them.
 */
export class Turns {
  #since = performance.now();
  #urgent = 0;
  #noMoreUrgent = Promise.withResolvers<void>();
  /** Until then the looks in the background wait for nothing. */
  #ownUntil = 0;
  #stopped = false;

  /** Its looks wait while there is urgent work, but for a slice now and then; `isUrgent`: unless they are, too. */
  background(storage: Storage, isUrgent: () => boolean = () => false): Storage {
    return waiting(storage, async () => {
      const rest = isUrgent() ? 0 : REST_MS;
      await this.#turn(rest);
      if (this.#urgent === 0 || rest === 0 || performance.now() < this.#ownUntil) return;
      await Promise.race([this.#noMoreUrgent.promise, Bun.sleep(PATIENCE_MS)]);
      this.#ownUntil = performance.now() + SLICE_MS;
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
      if (--this.#urgent === 0) {
        this.#noMoreUrgent.resolve();
        this.#noMoreUrgent = Promise.withResolvers();
      }
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
