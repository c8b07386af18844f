import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { RepositoryRecords } from "./collection.ts";

/**
 * The part of the metadata that retention goes by, beside what collections need: when images were pulled,
 * and when they were built. Times are UTC milliseconds.
 */
/** Since when pulls are recorded, in the settings of the metadata: UTC milliseconds. */
export const PULLS_SINCE = "pulls-since";

export interface RetentionReads {
  /** All that retention needs to know of a repository, as of one moment; null when it is not there. */
  retentionRecordsOf(name: RepositoryName): Promise<RetentionRecords | null>;
  /**
   * For each what was recorded of it (`recordBuilt`): when it was built, null when it does not say, undefined
   * when nobody has looked.
   */
  builtOf(configs: readonly Digest[]): Promise<(number | null | undefined)[]>;
  /** A manifest, and all above it: whatever names it, and what it refers to as its subject, and so on. */
  lineageOf(name: RepositoryName, digest: Digest): Promise<Ancestor[]>;
}

export interface RetentionWrites {
  /**
   * Says when manifests were pulled. Never moves a time back; of one that is not there nothing is recorded. A
   * manifest that is removed takes its time into the trash, and has it again when it comes back.
   */
  recordPulls(pulls: readonly PullTime[]): Promise<void>;
  /** Says when the images of these configs were built; null: they do not say. Kept for as long as the blob is known. */
  recordBuilt(configs: readonly BuildTime[]): Promise<void>;
}

/** A digest that stands above a manifest. It need not be here. */
export interface Ancestor {
  readonly digest: Digest;
  /** Null: it has none. */
  readonly config: Digest | null;
}

export interface PullTime {
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly at: number;
}

export interface BuildTime {
  readonly digest: Digest;
  readonly builtAt: number | null;
}

export interface RetentionRecords extends RepositoryRecords {
  /** Manifests that were pulled, each by itself, and when last. */
  readonly pulled: ReadonlyMap<Digest, number>;
  /** Since when every pull is recorded; null: nobody knows. */
  readonly pullsSince: number | null;
  /** What manifests have as `org.opencontainers.image.created`, unchecked. */
  readonly createdNotes: ReadonlyMap<Digest, string>;
}
