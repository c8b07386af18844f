import type { Digest } from "../oci/digest.ts";

/**
 * Who has the bytes of a blob in hand: a push that brings them, or a collection that takes them away.
 * In memory, because one process has a data folder open.
 *
 * Between the rename of an uploaded file to its place and the transaction that links it, nobody may
 * take that file away; and between a claim and its end nobody may put one there, because it would be
 * taken for the one that was claimed. So a push says what is *coming*, and a collection what is
 * *leaving*.
 *
 * What is coming when a claim begins is left out of it. A push that sets out while the claim is made
 * waits for that transaction, which its own would have to wait for anyway, and then, if its digest is
 * among what was claimed, for the end of that batch: some milliseconds, and never for a collection.
 */
export class Custody {
  /** Each with how many pushes bring it. */
  readonly #coming = new Map<Digest, number>();
  #claiming: Promise<void> | null = null;
  readonly #leaving = new Map<Digest, Promise<void>>();

  /** Does the work that brings the bytes of a blob to their place and links them. */
  async coming<T>(digest: Digest, work: () => Promise<T>): Promise<T> {
    for (let wait = this.#obstacle(digest); wait; wait = this.#obstacle(digest)) await wait;
    this.#coming.set(digest, (this.#coming.get(digest) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const others = (this.#coming.get(digest) ?? 1) - 1;
      if (others > 0) this.#coming.set(digest, others);
      else this.#coming.delete(digest);
    }
  }

  /**
   * Claims blobs and does the work that takes their bytes away; others wait until it has ended. `claim`
   * gets what is coming, and must leave that out. One at a time.
   */
  async leaving<C extends { readonly digest: Digest }, T>(
    claim: (except: readonly Digest[]) => Promise<readonly C[]>,
    work: (claimed: readonly C[]) => Promise<T>,
  ): Promise<T> {
    if (this.#claiming !== null || this.#leaving.size > 0) {
      throw new Error("two collections claim blobs at the same time");
    }
    const gate = Promise.withResolvers<void>();
    const batch = Promise.withResolvers<void>();
    this.#claiming = gate.promise;
    let claimed: readonly C[];
    try {
      claimed = await claim([...this.#coming.keys()]);
      for (const { digest } of claimed) this.#leaving.set(digest, batch.promise);
    } finally {
      // In the same breath: whoever was waiting finds what is leaving.
      this.#claiming = null;
      gate.resolve();
    }
    try {
      return await work(claimed);
    } finally {
      this.#leaving.clear();
      batch.resolve();
    }
  }

  #obstacle(digest: Digest): Promise<void> | undefined {
    return this.#claiming ?? this.#leaving.get(digest);
  }
}
