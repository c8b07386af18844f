import type { MetadataReads } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import type { Storage } from "../storage/storage.ts";

/** What there is to check: read, and never written. */
export interface Checkable {
  readonly metadata: MetadataReads;
  readonly storage: Storage;
}

/** What the metadata says of one repository. */
export interface Known {
  /** With their sizes. */
  readonly blobs: Map<Digest, number>;
  readonly manifests: Set<Digest>;
  readonly tags: Map<Tag, Digest>;
}
