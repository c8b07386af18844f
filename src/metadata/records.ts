import type { Digest } from "../oci/digest.ts";
import type { Requirement } from "../oci/manifest.ts";
import type { Tag } from "../oci/reference.ts";

/** `last`: begin after this one. `limit`: at most this many. */
export interface Page {
  readonly last: string | null;
  readonly limit: number;
}

export interface BlobRecord {
  readonly digest: Digest;
  readonly size: number;
}

/** A blob, as one repository has it. */
export interface LinkRecord extends BlobRecord {
  /** The last upload, mount or promise of existence (`see`). */
  readonly seenAt: number;
}

export interface TagRecord {
  readonly tag: Tag;
  readonly digest: Digest;
  /** The tag's last PUT, also with an unchanged digest. */
  readonly pushedAt: number;
}

export interface ReferenceRecord {
  readonly role: Requirement["role"];
  readonly digest: Digest;
  readonly size: number;
}

/** Something in a tree that could not be read or understood. */
export interface Damage {
  /** In the tree, relative to the data folder. */
  readonly path: string;
  readonly problem: string;
}

/** A repository names this digest, but has neither a link nor a manifest of it in the metadata. */
export interface Mention {
  readonly digest: Digest;
  /** In this manifest; null: in something that could not be read. */
  readonly manifest: Digest | null;
}
