import type { RetentionManifest } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";

type Content = Pick<RetentionManifest, "digest" | "size" | "blobs">;

const PINNED = Infinity;

/** Bytes of manifests and blobs, each digest once, with how many manifests hold it. */
export class BlobAccount {
  readonly #held = new Map<Digest, { readonly size: number; holders: number }>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** It stays whatever happens. */
  pin(manifest: Content): void {
    this.#add(manifest, PINNED);
  }

  /** It stays until it is released. */
  hold(manifest: Content): void {
    this.#add(manifest, 1);
  }

  /** Whether any of its bytes could be freed at all, by letting this one and others go. */
  isFreeable({ digest, blobs }: Content): boolean {
    const isFree = (one: Digest): boolean => {
      const { size = 0, holders = PINNED } = this.#held.get(one) ?? {};
      return size > 0 && holders !== PINNED;
    };
    return isFree(digest) || blobs.some((blob) => isFree(blob.digest));
  }

  release({ digest, size, blobs }: Content): void {
    for (const one of [{ digest, size }, ...blobs]) {
      const held = this.#held.get(one.digest);
      if (held === undefined || held.holders === PINNED) continue;
      held.holders--;
      if (held.holders === 0) this.#bytes -= held.size;
    }
  }

  #add({ digest, size, blobs }: Content, holders: number): void {
    for (const one of [{ digest, size }, ...blobs]) {
      const held = this.#held.get(one.digest);
      if (held !== undefined) held.holders += holders;
      else {
        this.#held.set(one.digest, { size: one.size, holders });
        this.#bytes += one.size;
      }
    }
  }
}
