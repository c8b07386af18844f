const FIRST = 1024;

/** Which repository holds a blob, and for which of its entries. */
export interface Holder {
  readonly repository: number;
  readonly entry: number;
}

/** Lists of links by blob, twelve bytes each: of a large registry there are millions. */
export class Links {
  #heads = new Int32Array(FIRST);
  #repositories = new Int32Array(FIRST);
  #entries = new Int32Array(FIRST);
  #next = new Int32Array(FIRST);
  #count = 0;

  /** Each repository at most once for each blob. */
  add(blob: number, repository: number, entry: number): void {
    const at = this.#count++;
    this.#heads = room(this.#heads, blob);
    this.#repositories = room(this.#repositories, at);
    this.#entries = room(this.#entries, at);
    this.#next = room(this.#next, at);
    this.#repositories[at] = repository;
    this.#entries[at] = entry;
    // 0 ends a list, so that fresh memory needs no filling.
    this.#next[at] = this.#heads[blob] ?? 0;
    this.#heads[blob] = at + 1;
  }

  holdersOf(blob: number): Holder[] {
    const holders: Holder[] = [];
    for (let at = this.#heads[blob] ?? 0; at !== 0; at = this.#next[at - 1] ?? 0) {
      const repository = this.#repositories[at - 1] ?? 0;
      holders.push({ repository, entry: this.#entries[at - 1] ?? 0 });
    }
    return holders;
  }
}

function room(array: Int32Array<ArrayBuffer>, at: number): Int32Array<ArrayBuffer> {
  if (at < array.length) return array;
  const larger = new Int32Array(Math.max(array.length * 2, at + 1));
  larger.set(array);
  return larger;
}
