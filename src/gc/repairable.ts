import type { CollectionReads, CollectionWrites } from "../metadata/collection.ts";
import type { MetadataReads, MetadataWrites } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { Storage } from "../storage/storage.ts";

/** The trash, as far as repairs need it. */
export type TrashRows = Pick<CollectionReads, "listTrash" | "listClaims"> &
  Pick<CollectionWrites, "addTrash" | "removeTrash">;

export type RepairableMetadata = MetadataReads &
  Pick<MetadataWrites, "linkBlob" | "unlinkBlob" | "replaceRepository">;

/** What was found to be in the tree alone. */
export type Named = "all" | { readonly digests: readonly Digest[]; readonly tags: readonly Tag[] };

/** A registry that can be repaired. */
export interface Repairable {
  /**
   * Who knows better when tree and metadata differ. `serving`: the metadata, because nobody else may write the
   * tree. `stopped`: the tree, because another registry may have served it. `foreign`: there is only the
   * tree, and the metadata was made from it.
   */
  readonly state: "serving" | "stopped" | "foreign";
  readonly metadata: RepairableMetadata;
  readonly storage: Storage;
  /** Null: there is none, so that nothing can come from it, and whatever would go there stays. */
  readonly trash: TrashRows | null;
  /** Does work that brings bytes to their place, or takes them from there: no collection has them meanwhile. */
  coming<T>(digest: Digest, work: () => Promise<T>): Promise<T>;
  /** Resolves when the tree has followed what the metadata took. */
  settle(): Promise<void>;
  /**
   * Lets the metadata of a repository take up from its tree: of one that serves only what is named and not
   * yet known, otherwise all, and what the tree has no more is forgotten.
   */
  follow(name: RepositoryName, only: Named): Promise<void>;
  /** UTC milliseconds. */
  readonly now: () => number;
}
