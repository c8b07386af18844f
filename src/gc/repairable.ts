import type { CollectionReads, CollectionWrites } from "../metadata/collection.ts";
import type { MetadataReads, MetadataWrites } from "../metadata/metadata.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";

/** The trash, as far as repairs need it. */
export type TrashRows = Pick<CollectionReads, "listTrash"> &
  Pick<CollectionWrites, "addTrash" | "removeTrash">;

export type RepairableMetadata = MetadataReads &
  Pick<MetadataWrites, "linkBlob" | "unlinkBlob" | "replaceRepository">;

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
  /** Resolves when the tree has followed what the metadata took. */
  settle(): Promise<void>;
  /** Lets the metadata of a repository follow its tree. */
  follow(name: RepositoryName): Promise<void>;
  /** UTC milliseconds. */
  readonly now: () => number;
}
