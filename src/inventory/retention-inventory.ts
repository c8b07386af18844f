import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { Unreadable } from "./inventory.ts";

/**
 * What one repository holds, as retention needs it, wherever it was read: from the metadata, from a tree,
 * over an API. Times are UTC milliseconds, sizes bytes; null means that nobody knows, which is never the
 * same as "long ago" or "never".
 */
export interface RetentionInventory {
  readonly name: RepositoryName;
  readonly tags: readonly RetentionTag[];
  /** Each digest once. Those that a tag, an index or a subject leads to, and with `untaggedListed` all others. */
  readonly manifests: readonly RetentionManifest[];
  /** Whether manifests that no tag leads to are among them: most registries list none over their API. */
  readonly untaggedListed: boolean;
  /**
   * Since when every pull is recorded, so that a manifest without a pull was not pulled since; 0: always. Absent or
   * null: a manifest without a pull says nothing.
   */
  readonly pullsSince?: number | null;
  /** What is there and could not be read or understood. While there is any, all of the repository is kept. */
  readonly unreadable: readonly Unreadable[];
}

export interface RetentionTag {
  readonly tag: Tag;
  readonly digest: Digest;
  /** The tag's last PUT; over a foreign API the first time that it was seen to name this digest. */
  readonly pushedAt: number | null;
  /** The registry itself refuses to remove it (Harbor's rules of immutable tags). */
  readonly immutable?: boolean;
  /** A removal of it was cut off: for now it names this empty manifest of ours, which stands for `digest`. */
  readonly placeholder?: Digest;
}

export interface RetentionManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Of the manifest itself. */
  readonly size: number;
  readonly pushedAt: number | null;
  /** As its config says, of an index the latest of its children's. Untrusted: see `retention/clock.ts`. */
  readonly createdAt: number | null;
  /** The last pull, of an index also of its children. */
  readonly pulledAt: number | null;
  /** Since when no tag names it. */
  readonly untaggedAt: number | null;
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  /** Manifests that it lists, as an index does. They need not be here (sparse). */
  readonly children: readonly Digest[];
  /** Config and layers, each once, foreign layers left out. */
  readonly blobs: readonly RetentionBlob[];
}

/** Images share most of theirs: readers make one object for each digest, as there may be millions of layers. */
export interface RetentionBlob {
  readonly digest: Digest;
  readonly size: number;
}
