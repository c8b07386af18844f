import type { CollectableManifest } from "../metadata/collection.ts";
import type { Damage, TagRecord } from "../metadata/records.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";

/**
 * What one repository holds, as decisions need it, wherever it was read: from the metadata, from a tree
 * of another registry, later over an API. Times are UTC milliseconds, sizes bytes.
 *
 * Inventories come repository by repository: memory is bounded by the largest of them.
 */
export interface RepositoryInventory {
  readonly name: RepositoryName;
  readonly tags: readonly InventoryTag[];
  readonly manifests: readonly InventoryManifest[];
  /** The layer links: which blobs the repository may serve. */
  readonly links: readonly InventoryLink[];
  /** What is there and could not be read or understood. While there is any, all of the repository is kept. */
  readonly unreadable: readonly Unreadable[];
}

export type InventoryTag = TagRecord;

export type InventoryManifest = CollectableManifest;

/** A layer link. */
export interface InventoryLink {
  readonly digest: Digest;
  /** Null: the bytes are not there. */
  readonly size: number | null;
  /** The last upload, mount or promise of existence; in a foreign tree the time of the link. */
  readonly seenAt: number;
  /** When it was made, as far as that is recorded beside `seenAt`. Never after it. */
  readonly linkedAt?: number;
}

/** What could not be read or understood, and where. */
export type Unreadable = Damage;
