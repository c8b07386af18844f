import type { CollectionReads } from "../metadata/collection.ts";
import type { MetadataReads } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import type { Storage } from "../storage/storage.ts";

/** What there is to check: read, and never written. */
export interface Checkable {
  readonly metadata: MetadataReads;
  readonly storage: Storage;
  /** What lies in the trash; null: there is none. */
  readonly trash: Pick<CollectionReads, "listTrash" | "listClaims"> | null;
}

/** What the metadata says of one repository. */
export interface Known {
  /** With their sizes. */
  readonly blobs: Map<Digest, number>;
  readonly manifests: Set<Digest>;
  readonly tags: Map<Tag, Digest>;
}
