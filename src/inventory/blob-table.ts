import { type Digest, type DigestAlgorithm, algorithmOf } from "../oci/digest.ts";

/** Of one blob in a `BlobTable`; from 0, in no order that means anything. */
export type BlobId = number;

/**
 * All blobs of a store, with size, time and marks, in some 60 bytes each: of millions of blobs nobody may
 * hold the digests as strings. A digest is known by its id, which stays.
 */
export class BlobTable {
  readonly #tables = { sha256: new Table(32), sha512: new Table(64) };

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

/** Open addressing; digests are evenly spread already, so their first bytes are the hash. */
class Table {
  count = 0;
  sizes = new Float64Array(256);
  times = new Float64Array(256);
  marks = new Uint8Array(256);
  #keys: Uint8Array;
  /** Index plus one; 0: free. Never more than half full. */
  #slots = new Int32Array(1024);
  readonly #key: Uint8Array;

  constructor(readonly width: number) {
    this.#keys = new Uint8Array(256 * width);
    this.#key = new Uint8Array(width);
  }

  find(digest: Digest): number {
    this.#take(digest);
    return (this.#slots[this.#slot()] ?? 0) - 1;
  }

  add(digest: Digest, size: number, at: number): number {
    this.#take(digest);
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
    this.sizes = copied(this.sizes, new Float64Array(length * 2));
    this.times = copied(this.times, new Float64Array(length * 2));
    this.marks = copied(this.marks, new Uint8Array(length * 2));
    this.#keys = copied(this.#keys, new Uint8Array(length * 2 * this.width));
  }

  #spread(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const last = slots.length - 1;
    for (let index = 0; index < this.count; index++) {
      let slot = hashOf(this.#keys, index * this.width) & last;
      while (slots[slot] !== 0) slot = (slot + 1) & last;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
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
