import type { CollectionReads, CollectionWrites } from "../../metadata/collection.ts";
import type { BlobRecord, ManifestRecord } from "../../metadata/metadata.ts";
import type { Digest } from "../../oci/digest.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { Tag } from "../../oci/reference.ts";
import type { Storage, StoredObject } from "../../storage/storage.ts";
import type { ManifestContent } from "./content.ts";

/** The rows of the trash, to look at. */
export type TrashReads = Pick<
  CollectionReads,
  "listTrash" | "oldestTrash" | "sumTrash" | "listClaims"
>;

export type TrashRows = TrashReads & Pick<CollectionWrites, "removeTrash">;

/** A trash: its rows, and the storage that has the bytes of its blobs. */
export interface Trash {
  readonly rows: TrashRows;
  readonly storage: Storage;
}

/** Where removed things can be brought back to, as far as one has to look at it. */
export interface TrashView {
  readonly rows: TrashReads;
  readonly storage: Storage;
  /** Manifests may lack parts, as they may have done before. */
  readonly sparse: boolean;
  tag(name: RepositoryName, tag: Tag): Promise<Digest | null>;
  /** Null also when its bytes are lost. */
  manifest(name: RepositoryName, digest: Digest): Promise<Omit<ManifestRecord, "seenAt"> | null>;
  /** The size in bytes of a blob that the repository may serve, as far as it is recorded; null: it may not. */
  linked(name: RepositoryName, digest: Digest): Promise<number | null>;
  /** The bytes outside of the trash, whoever needs them; null when they are nowhere. */
  open(digest: Digest): Promise<StoredObject | null>;
}

/**
 * The same, to act on: a registry of ours, or the tree of another one.
 *
 * Every write may be repeated. What is written is durable when the call resolves.
 */
export interface TrashPlace extends TrashView, Trash {
  readonly rows: TrashRows;
  /** Brings the bytes out of the trash where that is needed, and lets the repository serve them. */
  link(name: RepositoryName, blobs: readonly LostBlob[]): Promise<void>;
  /** Records manifests, of which none needs another that is not there yet. They count as seen now. */
  put(name: RepositoryName, manifests: readonly LostManifest[]): Promise<void>;
  /** Points tags at manifests that are there. Returns those that were taken meanwhile, and stay as they are. */
  retag(name: RepositoryName, tags: readonly LostTag[]): Promise<Tag[]>;
  /** Does work while nobody takes away the bytes of this digest, or puts them into the trash. */
  keeping<T>(digest: Digest, work: () => Promise<T>): Promise<T>;
}

/** A blob that is to be linked again; `row`: of its bytes in the trash, null: they lie in the tree. */
export interface LostBlob extends BlobRecord {
  readonly row: number | null;
}

export interface LostManifest extends ManifestContent {
  readonly digest: Digest;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** `from`: what the tag names at this moment; null: it is not there. Anything else by now, and it stays. */
export interface LostTag {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly from: Digest | null;
}
