import type { Digest } from "../oci/digest.ts";

/**
 * Where each digest stands in a list: open addressing in numbers, which takes a fifth of the memory of a
 * Map, and nothing for the garbage collector to walk through. Of a digest that comes twice, the last place.
 */
export class DigestPlaces {
  /** Pairs of a hash and a place plus one (0: free). Never more than half full. */
  readonly #slots: Int32Array;

  constructor(readonly list: readonly { readonly digest: Digest }[]) {
    const size = 2 ** Math.ceil(Math.log2(2 * list.length + 2));
    this.#slots = new Int32Array(2 * size);
    for (let place = 0; place < list.length; place++) {
      const digest = list[place]?.digest;
      if (digest === undefined) continue;
      const hash = hashOf(digest);
      const slot = this.#slotOf(digest, hash);
      this.#slots[slot] = hash;
      this.#slots[slot + 1] = place + 1;
    }
  }

  /** -1: it is not there. */
  find(digest: Digest): number {
    return (this.#slots[this.#slotOf(digest, hashOf(digest)) + 1] ?? 0) - 1;
  }

  /** Where it stands, or else the free one where it would. */
  #slotOf(digest: Digest, hash: number): number {
    const slots = this.#slots;
    const last = slots.length - 1;
    for (let slot = (2 * hash) & last; ; slot = (slot + 2) & last) {
      const place = (slots[slot + 1] ?? 0) - 1;
      if (place < 0) return slot;
      // Strings lie far apart in memory: they are only looked at where they nearly surely are the same.
      if (slots[slot] === hash && this.list[place]?.digest === digest) return slot;
    }
  }
}

/** Of all characters: a registry may answer with digests that are none, and that differ anywhere. */
function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
  }
  // The low bits decide, and have not yet seen the high ones.
  return hash ^ (hash >>> 15);
}
