/** Things that several threads take turns in taking, each of them once: whoever is free takes the next. */
export class SharedList<T> {
  readonly #taken: Int32Array;

  /** `memory`: of the list of another thread, with the same items. */
  constructor(
    readonly items: readonly T[],
    readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.#taken = new Int32Array(memory);
  }

  /** How many were taken, by whomever. */
  get taken(): number {
    return Math.min(Atomics.load(this.#taken, 0), this.items.length);
  }

  *[Symbol.iterator](): Generator<T> {
    for (;;) {
      const next = Atomics.add(this.#taken, 0, 1);
      if (next >= this.items.length) return;
      yield this.items[next] as T;
    }
  }
}
