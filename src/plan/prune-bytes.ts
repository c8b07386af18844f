import { type BlobId, BlobTable } from "../inventory/blob-table.ts";
import type { RetentionInventory, RetentionManifest } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { PlannedBytes } from "./prune-plan.ts";

/** Some manifest that stays names it. */
const KEPT = 1;
/** It was counted for a repository before. */
const COUNTED = 2;

/** Blobs of one repository, manifests among them, each once. */
export interface Footprint {
  /** Named by manifests that stay. */
  readonly kept: Int32Array;
  /** Named by manifests that go; what stays may name some of them as well. */
  readonly gone: Int32Array;
}

/**
 * Counts what a plan frees, over all repositories of a registry: a blob that several of them let go counts
 * once, and one that anything keeps is not freed. So it must see what stays as well as what goes.
 *
 * Of each blob it holds some 60 bytes, whoever names it, and 4 for each time that something which goes
 * names it: no digests as strings, and no inventories.
 */
export class PruneBytes {
  readonly #blobs = new BlobTable();

  /** What a repository names, as it stays and as it goes. Nothing is settled with it: see `settle`. */
  footprint({ manifests }: RetentionInventory, going: ReadonlySet<Digest>): Footprint {
    const kept = new Set<BlobId>();
    const gone = new Set<BlobId>();
    for (const manifest of manifests)
      this.#name(manifest, going.has(manifest.digest) ? gone : kept);
    return { kept: Int32Array.from(kept), gone: Int32Array.from(gone) };
  }

  /** From now on what the repository keeps is kept. */
  settle({ kept }: Pick<Footprint, "kept">): void {
    this.#keep(kept);
  }

  /** The repository keeps also what was to go. */
  refuse({ gone }: Pick<Footprint, "gone">): void {
    this.#keep(gone);
  }

  /** Once for each repository, in the order of the plan, when all are settled. */
  bytesOf({ gone }: Pick<Footprint, "gone">): PlannedBytes {
    let freed = 0;
    let shared = 0;
    for (const id of gone) {
      const marks = this.#blobs.marksOf(id);
      if (marks & KEPT) shared += this.#blobs.sizeOf(id);
      else if (!(marks & COUNTED)) freed += this.#blobs.sizeOf(id);
      this.#blobs.mark(id, COUNTED);
    }
    return { freed, shared };
  }

  sizeOf(id: BlobId): number {
    return this.#blobs.sizeOf(id);
  }

  #keep(ids: Int32Array): void {
    for (const id of ids) this.#blobs.mark(id, KEPT);
  }

  #name({ digest, size, blobs }: RetentionManifest, into: Set<BlobId>): void {
    into.add(this.#idOf(digest, size));
    for (const blob of blobs) into.add(this.#idOf(blob.digest, blob.size));
  }

  /** Of two sizes that manifests claim for one blob, the larger one: it is an error of the smaller's author. */
  #idOf(digest: Digest, size: number): BlobId {
    const known = this.#blobs.find(digest);
    if (known >= 0 && size <= this.#blobs.sizeOf(known)) return known;
    return this.#blobs.add(digest, size, 0);
  }
}
