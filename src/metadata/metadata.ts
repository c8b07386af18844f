import type { Digest } from "../oci/digest.ts";
import type { Requirement } from "../oci/manifest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Reference, Tag } from "../oci/reference.ts";
import type { CollectionReads, CollectionWrites } from "./collection.ts";
import type { EventCursor, EventRecord, Who } from "./event.ts";
import type { JournalEntry } from "./journal.ts";
import type { RetentionReads, RetentionWrites } from "./retention-records.ts";
import type {
  BlobRecord,
  Damage,
  LinkRecord,
  Mention,
  Page,
  ReferenceRecord,
  TagRecord,
} from "./records.ts";

export type {
  BlobRecord,
  Damage,
  LinkRecord,
  Mention,
  Page,
  ReferenceRecord,
  TagRecord,
} from "./records.ts";

/**
 * What is known about the content: which repository holds which manifests, tags and blobs.
 *
 * Every method that changes something is one transaction. When it resolves, the change is on stable
 * storage and every later read sees it; when it rejects, nothing was changed. Concurrent changes are
 * committed together, in the order of the calls. Changes that the tree must follow are written to the
 * journal in the same transaction.
 *
 * Changes that somebody may want to hear of take `by`: who asked for them. Given, and with at least one
 * listener, the same transaction records an event for each thing that happened, so that no change is
 * without its event and no event without its change. Null or left out: nobody shall hear of it. What
 * clients remove names him in the trash (collection.ts), whether or not anybody hears.
 *
 * Reads return what was committed at some moment of the call. "Not there" is null, false or an empty
 * list. Times are UTC milliseconds, given by the caller; sizes are bytes.
 *
 * One suite, `contract.ts`, runs against every implementation.
 */
export interface Metadata extends MetadataReads, MetadataWrites {
  /** Waits for what is under way, then releases everything. */
  close(): Promise<void>;
}

export interface MetadataReads extends CollectionReads, RetentionReads {
  /** The manifest that a tag or digest names in this repository. */
  findManifest(name: RepositoryName, reference: Reference): Promise<ManifestRecord | null>;
  /** A blob that is linked in this repository. */
  findBlob(name: RepositoryName, digest: Digest): Promise<LinkRecord | null>;
  hasRepository(name: RepositoryName): Promise<boolean>;
  /** All that is known of a repository, but for the bytes. Null when it is not there. */
  knownRepository(name: RepositoryName): Promise<KnownRepository | null>;
  /** Tags in ASCII order, after `last` if given. Null when the repository is not there. */
  listTags(name: RepositoryName, page: Page): Promise<TagRecord[] | null>;
  /** The same, only their names. */
  listTagNames(name: RepositoryName, page: Page): Promise<Tag[] | null>;
  /** Manifests with their bytes, tagged or not, in the order of their digests; `last` is a digest. */
  listManifests(name: RepositoryName, page: Page): Promise<ManifestRecord[]>;
  /** Blobs that the repository links, in the order of their digests; `last` is a digest. */
  listBlobs(name: RepositoryName, page: Page): Promise<BlobRecord[]>;
  /** Repository names in ASCII order. */
  listRepositories(page: Page): Promise<RepositoryName[]>;
  /** Manifests whose subject is `subject`, in the order of their digests; `last` is a digest. */
  listReferrers(
    name: RepositoryName,
    subject: Digest,
    artifactType: string | null,
    page: Page,
  ): Promise<ReferrerRecord[]>;
  /** The tags that name this manifest, in ASCII order. */
  tagsOf(name: RepositoryName, digest: Digest): Promise<Tag[]>;
  /** What a manifest names, as recorded when it was pushed or read from the tree. */
  referencesOf(name: RepositoryName, digest: Digest): Promise<ReferenceRecord[]>;
  /** The bytes of a small blob that the tree does not have yet, else null. */
  readContent(digest: Digest): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Uploads that were interrupted by a stop. */
  listUploads(): Promise<UploadRecord[]>;
  /** The oldest entries that the tree has not followed yet, in order, behind the one `after` (default: all). */
  readJournal(limit: number, after?: number): Promise<JournalRecord[]>;
  /** How many entries that is, all in all. */
  countJournal(): Promise<number>;
  getSetting(key: string): Promise<string | null>;
  /** The oldest events after the one with this id, in the order of their commits. */
  readEvents(after: number, limit: number): Promise<EventRecord[]>;
  /** The id of the newest event that ever was; 0 before the first. */
  newestEvent(): Promise<number>;
  /** Who listens, in ASCII order. */
  listCursors(): Promise<EventCursor[]>;
}

export interface MetadataWrites extends CollectionWrites, RetentionWrites {
  /**
   * Records a stored blob and links it in the repository, which comes into being with it.
   * Linking what is linked renews `seenAt`. `content`: the bytes of a small blob that is not in the
   * tree; they are kept until the tree has followed. `resized`: it was recorded with another size before,
   * because its file was not whole; that is put right for every repository that links it.
   */
  linkBlob(
    name: RepositoryName,
    blob: BlobRecord,
    at: number,
    content: Uint8Array<ArrayBuffer> | null,
    by?: Who | null,
  ): Promise<{ resized: boolean }>;
  /**
   * Links a blob that another repository holds: `from`, or any when null.
   * Null, and nothing changes, when none does.
   */
  mountBlob(
    name: RepositoryName,
    digest: Digest,
    from: RepositoryName | null,
    at: number,
    by?: Who | null,
  ): Promise<BlobRecord | null>;
  /** Removes the link only; the bytes are the collector's. Refused while a manifest here names the blob. */
  unlinkBlob(name: RepositoryName, digest: Digest, at: number, by?: Who | null): Promise<Removal>;
  /**
   * Records a manifest and points the tags at it. `missing` lists required content that the repository
   * does not hold; when it is not empty nothing was changed.
   */
  putManifest(
    push: ManifestPush,
    by?: Who | null,
  ): Promise<{ missing: Digest[]; readonly kept?: readonly Tag[] }>;
  /** Removes one tag; the manifest stays. Null when the tag is not there. */
  removeTag(
    name: RepositoryName,
    tag: Tag,
    at: number,
    by?: Who | null,
  ): Promise<{ digest: Digest } | null>;
  /**
   * Removes a manifest and all tags on it. Refused while an index here names it, and while it has tags that are
   * none of `only` (unset: it may have any): `others` are these.
   */
  removeManifest(
    name: RepositoryName,
    digest: Digest,
    at: number,
    by?: Who | null,
    only?: readonly Tag[],
  ): Promise<Removal & { tags: Tag[]; others?: Tag[] }>;
  saveUpload(upload: UploadRecord): Promise<void>;
  removeUpload(id: string): Promise<void>;
  /**
   * Forgets the journal up to and including this entry: the tree has followed, durably; but not the
   * entries of the repositories to `keep`, where it could not.
   */
  retireJournal(id: number, keep?: readonly RepositoryName[]): Promise<void>;
  setSetting(key: string, value: string): Promise<void>;
  /**
   * Makes what is known of a repository what its tree says. Writes no journal, and no events.
   *
   * Only differences are written: what is known already keeps what no tree can say (when it was pushed
   * and last seen, what a tag has named). A manifest that a kept tag names stays too.
   *
   * As long as the last snapshot had something `unreadable`, or a manifest is there that is in `doubt`,
   * `collect` keeps all of the repository. What it mentions keeps its bytes (`claim`).
   */
  replaceRepository(snapshot: RepositorySnapshot): Promise<RepositoryChanges>;
  /**
   * Says who listens from now on. One that is new has heard of everything there was; one that is not
   * named is forgotten, with the events that nobody else waits for.
   */
  setListeners(endpoints: readonly string[]): Promise<EventCursor[]>;
  /** Moves listeners on, never back, and forgets the events that all of them have heard of. */
  advanceCursors(cursors: readonly EventCursor[]): Promise<void>;
  /**
   * Gives up events when there are more than `limit`: those of the lowest rank first (`rankOf`), of them
   * the oldest. Returns how many.
   */
  trimEvents(limit: number): Promise<number>;
}

export interface ManifestRecord {
  readonly digest: Digest;
  readonly mediaType: string;
  /** When it was pushed or last seen (`see`), whichever is later. */
  readonly seenAt: number;
  /** Exactly as pushed. Shared between readers: never write into it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ReferrerRecord {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
}

export interface ManifestPush {
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
  readonly tags: readonly Tag[];
  /**
   * Given: tags are set only where they name this, or this manifest, at that moment (null: where they are
   * not there). Those that name something else stay, and come back as `kept`.
   */
  readonly tagsFrom?: Digest | null;
  /** All that the manifest names. */
  readonly references: readonly Requirement[];
  /** False: take the manifest although content is missing (mirrors that hold one platform of many). */
  readonly requireContent: boolean;
  readonly at: number;
}

/** `neededBy`: manifests of the repository that name the content; when there are any nothing was removed. */
export interface Removal {
  readonly removed: boolean;
  readonly neededBy: readonly Digest[];
}

export interface UploadRecord {
  readonly id: string;
  readonly name: RepositoryName;
  readonly startedAt: number;
  /** Who began it, and alone may go on with it; null: nobody has said who he is. */
  readonly owner: string | null;
}

export interface JournalRecord {
  readonly id: number;
  readonly entry: JournalEntry;
}

/** A repository as the tree has it: what is to be known of it, beside what is kept. */
export interface RepositorySnapshot {
  readonly name: RepositoryName;
  /** When the tree was read: what lost its tag did so by then. */
  readonly readAt: number;
  readonly blobs: readonly SnapshotBlob[];
  readonly manifests: readonly SnapshotManifest[];
  readonly tags: readonly TagRecord[];
  /** What stays as it is, if it is known: because it is unchanged, or could not be read. */
  readonly keep?: Keep;
  /** The tree has no such repository (any more). Unless something is kept, its name goes too. */
  readonly gone?: boolean;
  /**
   * Manifests that are kept and of which the tree has lost the bytes: the journal brings them back. (A
   * registry that deletes a manifest removes its link first, and then it is not kept.)
   */
  readonly lost?: readonly Digest[];
  /**
   * What could not be read or understood, but for manifests, which say so themselves. It replaces what was
   * recorded before; left out, that stays, with what was mentioned.
   */
  readonly unreadable?: readonly Damage[];
  /** That may name any blob. */
  readonly hides?: boolean;
  /** Those of manifests are added to what was recorded, the others replace it. */
  readonly mentions?: readonly Mention[];
}

export interface Keep {
  readonly blobs: ReadonlySet<Digest> | "all";
  readonly manifests: ReadonlySet<Digest> | "all";
  readonly tags: ReadonlySet<Tag> | "all";
}

export interface SnapshotBlob extends BlobRecord {
  readonly linkedAt: number;
  /** Nothing but the file says so: a size that is known from elsewhere stays. */
  readonly unconfirmed?: boolean;
}

/** Digests with sizes in bytes, and tags with what they name. */
export interface KnownRepository {
  readonly blobs: ReadonlyMap<Digest, number>;
  readonly manifests: ReadonlyMap<Digest, number>;
  readonly tags: ReadonlyMap<Tag, Digest>;
  /** As the last snapshot had it. */
  readonly unreadable: readonly Damage[];
  readonly hides: boolean;
  readonly mentions: readonly Mention[];
}

export const UNKNOWN_REPOSITORY: KnownRepository = {
  blobs: new Map(),
  manifests: new Map(),
  tags: new Map(),
  unreadable: [],
  hides: false,
  mentions: [],
};

/** What a snapshot has changed in what was known. */
export interface RepositoryChanges {
  readonly blobs: { readonly added: number; readonly removed: number };
  readonly manifests: { readonly added: number; readonly removed: readonly Digest[] };
  readonly tags: {
    readonly added: number;
    readonly moved: readonly MovedTag[];
    readonly removed: readonly { readonly tag: Tag; readonly digest: Digest }[];
  };
}

export interface MovedTag {
  readonly tag: Tag;
  readonly from: Digest;
  readonly to: Digest;
}

export interface SnapshotManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pushedAt: number;
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
  readonly references: readonly ReferenceRecord[];
  /** What of it was not understood, in words; null or left out: nothing. */
  readonly doubt?: string | null;
}
