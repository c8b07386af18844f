import { type Digest, type DigestAlgorithm, algorithmOf } from "../oci/digest.ts";

/** Of one blob in a `BlobTable`; from 0, in no order that means anything. */
export type BlobId = number;

/**
 * All blobs of a store, with size, time and marks, in some 60 bytes each: of millions of blobs nobody may
 * hold the digests as strings. A digest is known by its id, which stays.
 */
export class BlobTable {
  readonly #tables: Readonly<Record<DigestAlgorithm, Table>>;

  /** `memory`: of another thread's table, to which nothing is added any more. Marks are seen by both. */
  constructor(memory?: BlobTableMemory) {
    this.#tables = {
      sha256: new Table(32, memory?.sha256),
      sha512: new Table(64, memory?.sha512),
    };
  }

  /** What another thread needs to have the same table. */
  get memory(): BlobTableMemory {
    return { sha256: this.#tables.sha256.memory, sha512: this.#tables.sha512.memory };
  }

  /** Adds all that another table has, without its marks. */
  addAll(memory: BlobTableMemory): void {
    for (const algorithm of algorithms) this.#tables[algorithm].addAll(memory[algorithm]);
  }

  /** Adds a blob, or renews what is known of it; its marks stay. */
  add(digest: Digest, size: number, at: number): BlobId {
    const algorithm = algorithmOf(digest);
    return idOf(algorithm, this.#tables[algorithm].add(digest, size, at));
  }

  /** -1: it is not there. */
  find(digest: Digest): BlobId {
    const algorithm = algorithmOf(digest);
    const index = this.#tables[algorithm].find(digest);
    return index < 0 ? -1 : idOf(algorithm, index);
  }

  get count(): number {
    return this.#tables.sha256.count + this.#tables.sha512.count;
  }

  /** Bytes. */
  sizeOf(id: BlobId): number {
    return this.#of(id).sizes[id >> 1] ?? 0;
  }

  /** UTC milliseconds. */
  timeOf(id: BlobId): number {
    return this.#of(id).times[id >> 1] ?? 0;
  }

  /** Bits that the caller gives a meaning. */
  marksOf(id: BlobId): number {
    return this.#of(id).marks[id >> 1] ?? 0;
  }

  mark(id: BlobId, bits: number): void {
    const { marks } = this.#of(id);
    marks[id >> 1] = (marks[id >> 1] ?? 0) | bits;
  }

  digestOf(id: BlobId): Digest {
    const algorithm = algorithms[id & 1] as DigestAlgorithm;
    return `${algorithm}:${this.#of(id).hexOf(id >> 1)}` as Digest;
  }

  *ids(): Generator<BlobId> {
    for (let index = 0; index < this.#tables.sha256.count; index++) yield index * 2;
    for (let index = 0; index < this.#tables.sha512.count; index++) yield index * 2 + 1;
  }

  /** Takes all of these marks from all blobs. */
  unmark(bits: number): void {
    for (const { marks } of Object.values(this.#tables)) {
      for (let index = 0; index < marks.length; index++) marks[index] = (marks[index] ?? 0) & ~bits;
    }
  }

  #of(id: BlobId): Table {
    return (id & 1) === 0 ? this.#tables.sha256 : this.#tables.sha512;
  }
}

const algorithms: readonly DigestAlgorithm[] = ["sha256", "sha512"];

function idOf(algorithm: DigestAlgorithm, index: number): BlobId {
  return index * 2 + (algorithm === "sha256" ? 0 : 1);
}

export type BlobTableMemory = Readonly<Record<DigestAlgorithm, TableMemory>>;

interface TableMemory {
  readonly count: number;
  readonly sizes: Float64Array<SharedArrayBuffer>;
  readonly times: Float64Array<SharedArrayBuffer>;
  readonly marks: Uint8Array<SharedArrayBuffer>;
  readonly keys: Uint8Array<SharedArrayBuffer>;
  /** Index plus one; 0: free. Never more than half full. */
  readonly slots: Int32Array<SharedArrayBuffer>;
}

/** Open addressing; digests are evenly spread already, so their first bytes are the hash. */
class Table {
  count: number;
  sizes: Float64Array<SharedArrayBuffer>;
  times: Float64Array<SharedArrayBuffer>;
  marks: Uint8Array<SharedArrayBuffer>;
  #keys: Uint8Array<SharedArrayBuffer>;
  #slots: Int32Array<SharedArrayBuffer>;
  readonly #key: Uint8Array;

  constructor(
    readonly width: number,
    memory: TableMemory = emptyMemory(width),
  ) {
    this.count = memory.count;
    this.sizes = memory.sizes;
    this.times = memory.times;
    this.marks = memory.marks;
    this.#keys = memory.keys;
    this.#slots = memory.slots;
    this.#key = new Uint8Array(width);
  }

  get memory(): TableMemory {
    const { count, sizes, times, marks } = this;
    return { count, sizes, times, marks, keys: this.#keys, slots: this.#slots };
  }

  addAll({ count, sizes, times, keys }: TableMemory): void {
    for (let index = 0; index < count; index++) {
      this.#key.set(keys.subarray(index * this.width, (index + 1) * this.width));
      this.#put(sizes[index] ?? 0, times[index] ?? 0);
    }
  }

  find(digest: Digest): number {
    this.#take(digest);
    return (this.#slots[this.#slot()] ?? 0) - 1;
  }

  add(digest: Digest, size: number, at: number): number {
    this.#take(digest);
    return this.#put(size, at);
  }

  /** Adds the key that was taken. */
  #put(size: number, at: number): number {
    const slot = this.#slot();
    const found = (this.#slots[slot] ?? 0) - 1;
    if (found >= 0) {
      this.sizes[found] = size;
      this.times[found] = at;
      return found;
    }
    const index = this.count++;
    if (index === this.sizes.length) this.#grow();
    this.#keys.set(this.#key, index * this.width);
    this.sizes[index] = size;
    this.times[index] = at;
    this.#slots[slot] = index + 1;
    if (this.count * 2 > this.#slots.length) this.#spread();
    return index;
  }

  hexOf(index: number): string {
    const { width } = this;
    return Buffer.from(this.#keys.buffer, index * width, width).toString("hex");
  }

  /** Where the key is, or would be. */
  #slot(): number {
    const last = this.#slots.length - 1;
    let slot = hashOf(this.#key, 0) & last;
    for (; ; slot = (slot + 1) & last) {
      const index = (this.#slots[slot] ?? 0) - 1;
      if (index < 0 || this.#isAt(index)) return slot;
    }
  }

  #isAt(index: number): boolean {
    const start = index * this.width;
    for (let at = 0; at < this.width; at++) {
      if (this.#keys[start + at] !== this.#key[at]) return false;
    }
    return true;
  }

  #take(digest: Digest): void {
    const start = digest.indexOf(":") + 1;
    for (let at = 0; at < this.width; at++) {
      const high = nibble(digest.charCodeAt(start + at * 2));
      this.#key[at] = (high << 4) | nibble(digest.charCodeAt(start + at * 2 + 1));
    }
  }

  #grow(): void {
    const { length } = this.sizes;
    this.sizes = copied(this.sizes, numbers(length * 2));
    this.times = copied(this.times, numbers(length * 2));
    this.marks = copied(this.marks, bytes(length * 2));
    this.#keys = copied(this.#keys, bytes(length * 2 * this.width));
  }

  #spread(): void {
    const slots = slotsOf(this.#slots.length * 2);
    const last = slots.length - 1;
    for (let index = 0; index < this.count; index++) {
      let slot = hashOf(this.#keys, index * this.width) & last;
      while (slots[slot] !== 0) slot = (slot + 1) & last;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

function emptyMemory(width: number): TableMemory {
  const length = 256;
  return {
    count: 0,
    sizes: numbers(length),
    times: numbers(length),
    marks: bytes(length),
    keys: bytes(length * width),
    slots: slotsOf(length * 4),
  };
}

function numbers(length: number): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}

function bytes(length: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(length));
}

function slotsOf(length: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}

function copied<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function hashOf(keys: Uint8Array, start: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [
    keys[start],
    keys[start + 1],
    keys[start + 2],
    keys[start + 3],
  ];
  return (a << 24) | (b << 16) | (c << 8) | d;
}

/** Of a lower-case hex digit. */
function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
