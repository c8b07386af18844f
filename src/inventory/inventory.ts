import type { Damage, ReferenceRecord } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

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

export interface InventoryTag {
  readonly tag: Tag;
  readonly digest: Digest;
  /** The tag's last PUT. */
  readonly pushedAt: number;
}

export interface InventoryManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly pushedAt: number;
  /** When it was last pushed, pulled or asked for, as far as that is recorded. Never before `pushedAt`. */
  readonly seenAt: number;
  /** Since when no tag names it; null: one does, or none ever did, or nobody knows. */
  readonly untaggedAt: number | null;
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  /** Config, layers and children. */
  readonly references: readonly ReferenceRecord[];
}

export interface InventoryLink {
  readonly digest: Digest;
  /** Null: the bytes are not there. */
  readonly size: number | null;
  /** The last upload, mount or promise of existence; in a foreign tree the time of the link. */
  readonly seenAt: number;
  /** When it was made, as far as that is recorded beside `seenAt`. Never after it. */
  readonly linkedAt?: number;
}

export type Unreadable = Damage;
