import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type {
  BlobRecord,
  Damage,
  LinkRecord,
  Page,
  ReferenceRecord,
  TagRecord,
} from "./records.ts";

/**
 * The half of the metadata that collections work on: what was seen when, what may have become garbage,
 * what is on its way out, and what lies in the trash. `docs/gc.md` has the argument for each race.
 *
 * A blob leaves in steps, each a transaction of its own: the last link goes and it is *doomed*; it is
 * claimed and *leaving*, and only then its file is renamed into the trash; it is settled, and is no
 * longer known, or live again, if somebody wants it meanwhile. Whoever links a doomed blob makes it live. A
 * leaving one can not be linked, but the same bytes may be pushed as a manifest, or be found in a tree.
 *
 * The queue holds what may have become garbage, each with the moment from which its age counts: when it
 * was pushed, last seen, or lost its last tag. How old it must be is the caller's policy, which is not
 * in the tables: it may change, and things of another kind wait for another time.
 *
 * While the tree is being compared with the tables, a blob may be without the link that the next
 * repository brings: nothing may be claimed until that has ended, and nothing was left unread.
 */
export interface CollectionReads {
  /** All that decisions need to know of a repository; null when it is not there. */
  recordsOf(name: RepositoryName): Promise<RepositoryRecords | null>;
  /** What is old enough to be looked at, the oldest first. */
  readReview(before: ReviewBefore, limit: number): Promise<ReviewItem[]>;
  /** How many are in the queue, how many of them are old enough, and how old the oldest is (null: none is there). */
  countReview(before: ReviewBefore): Promise<ReviewCount>;
  /**
   * Looks at `limit` blobs in the order of their digests; `last` is a digest. Returns those that are live
   * and that no repository links, has as a manifest or mentions, and where to go on: null when there are no
   * more.
   */
  listUnlinked(page: Page): Promise<UnlinkedBlobs>;
  /** Whether any blob is doomed, and could be claimed. */
  hasDoomed(): Promise<boolean>;
  /** The first repository that hides which blobs it needs, and what of it could not be read; null: none does. */
  findHiding(): Promise<{ readonly name: RepositoryName; readonly damage: Damage } | null>;
  /** For each what is known of it: `needed`: a repository links it, has it as a manifest, or mentions it. */
  standingOf(digests: readonly Digest[]): Promise<("unknown" | "unneeded" | "needed")[]>;
  /** For each how often it is held: by links and as a manifest, in all repositories. */
  holdersOf(digests: readonly Digest[]): Promise<number[]>;
  /** All blobs that are known, and those of them that are doomed or leaving. */
  sumBlobs(): Promise<{ readonly all: BlobSum; readonly going: BlobSum }>;
  /** Claims that are not settled, the oldest first: at a start those that a stop or a crash has cut off. */
  listClaims(): Promise<Claim[]>;
  /** The trash, the newest removals first; `before`: only removals with a smaller id. */
  listTrash(query: TrashQuery): Promise<TrashRecord[]>;
  /**
   * The oldest removals, in the order in which they may be freed: never a blob before what needs it. A blob
   * that is still leaving is not among them.
   */
  oldestTrash(limit: number): Promise<TrashRecord[]>;
  /** `bytes`: what emptying it frees, the sizes of its blobs. */
  sumTrash(): Promise<{ readonly entries: number; readonly bytes: number }>;
  /** The newest runs first. */
  listRuns(limit: number): Promise<RunRecord[]>;
}

export interface CollectionWrites {
  /**
   * Says that somebody was told these are here. For each whether it still is: when not, the caller must
   * not say so. Never moves a time back.
   */
  see(seen: readonly Seen[]): Promise<boolean[]>;
  /** Puts things up for review; of one that waits already the earlier of the two times counts. */
  review(items: readonly ReviewItem[]): Promise<void>;
  /**
   * Puts all of a repository up for review that no tag names and no tagged manifest lists, and the
   * repository, if it is empty; returns how many. For what was there before the queue: a tree that was
   * taken over, or the owner's yes.
   */
  reviewRepository(name: RepositoryName): Promise<number>;
  /**
   * Judges these once more, in the transaction that removes what is garbage, to the trash: manifests with
   * their references and all above them that is garbage as well, links, then repositories that are empty.
   * What hangs on the removed is put up for review. What is too young waits until it has the age; what is
   * protected is looked at again later; what is tagged, needed, waiting, or in a repository of which
   * something is unreadable leaves the queue, which it comes back to when that is over. So reading the
   * queue (`reviewBefore`) and collecting what it gives, again and again, comes to an end.
   */
  collect(items: readonly ReviewItem[], policy: CollectPolicy): Promise<Collected>;
  /**
   * Dooms blobs that nobody links, if that is still so. One that is not known is recorded: its file lies
   * in the tree, and nothing else speaks of it.
   */
  doom(blobs: readonly BlobRecord[], at: number): Promise<void>;
  /**
   * Takes from the tree, by the journal, what is left there beside content, if the tables still know nothing
   * of it, and nothing of the repository is unreadable. Returns how many went.
   */
  clear(name: RepositoryName, leftovers: readonly Leftover[]): Promise<number>;
  /**
   * Claims at most so many doomed blobs: they are leaving, and have a row in the trash. None of `except`, and
   * none that the tree has yet to follow in: an entry of the journal may still bring its file. None at all
   * while a repository hides which blobs it needs, and none that a repository mentions.
   */
  claim(
    limit: number,
    except: readonly Digest[],
    policy: Pick<CollectPolicy, "run" | "now">,
  ): Promise<Claim[]>;
  /**
   * Ends claims, after their files were moved. `moved`: whether the file lies in the trash now.
   *
   * `trashed`: nobody wants it. It is forgotten, and its row in the trash stays if its file lies there.
   *
   * `returned`: it is wanted. If its file lies in the trash nothing has changed: move it back, and only then
   * say so, by settling once more without a file, or by `removeTrash`. Until then it is a claim, so that a
   * start after a crash goes on with it. Settling twice changes nothing.
   */
  settle(claims: readonly Settlement[]): Promise<("trashed" | "returned")[]>;
  /**
   * Forgets rows of the trash: their files are deleted, or back in their place. Not that of a blob that is
   * leaving, unless it is wanted, and then it is live: its file is about to come.
   */
  removeTrash(ids: readonly number[]): Promise<void>;
  /** Adds rows to the trash, for what was removed outside of these tables (a tree of another registry). */
  addTrash(records: readonly Omit<TrashRecord, "id">[]): Promise<number[]>;
  /** From now on ids of the trash are greater than this one, which somebody else has used. */
  passTrash(id: number): Promise<void>;
  /** Returns its id. Only the last runs are remembered. */
  startRun(at: number): Promise<number>;
  endRun(id: number, at: number, report: string): Promise<void>;
}

/** A manifest or a layer link somebody was told of. */
export interface Seen {
  readonly kind: "manifest" | "link";
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly at: number;
}

/** `since`: the moment from which its age counts, as far as it was known when it was put up. */
export type ReviewItem =
  | {
      readonly kind: "manifest" | "link";
      readonly name: RepositoryName;
      readonly digest: Digest;
      readonly since: number;
    }
  /** One that was left empty. */
  | { readonly kind: "repository"; readonly name: RepositoryName; readonly since: number };

/** How old things must be: only those whose time lies before these. Null: manifests are not looked at. */
export interface ReviewBefore {
  readonly manifests: number | null;
  /** And empty repositories. */
  readonly links: number;
}

/** What a collection with this policy reads from the queue: nothing that it would find too young. */
export function reviewBefore({
  seenBefore,
  untaggedBefore,
}: Pick<CollectPolicy, "seenBefore" | "untaggedBefore">): ReviewBefore {
  const manifests = untaggedBefore === null ? null : Math.min(untaggedBefore, seenBefore);
  return { manifests, links: seenBefore };
}

export interface UnlinkedBlobs {
  readonly blobs: readonly BlobRecord[];
  readonly next: Digest | null;
}

export interface ReviewCount {
  readonly waiting: number;
  readonly due: number;
  /** UTC milliseconds. */
  readonly oldest: number | null;
}

export interface BlobSum {
  readonly blobs: number;
  readonly bytes: number;
}

export interface CollectPolicy {
  readonly run: number;
  /** UTC milliseconds. */
  readonly now: number;
  /** Only what nobody has pushed, pulled or asked for since goes: `now` minus 1.25 of the grace, or earlier. */
  readonly seenBefore: number;
  /** Manifests: only what no tag has named, and nobody pulled, since; null: manifests are kept. */
  readonly untaggedBefore: number | null;
  /** Roots in every repository. */
  readonly protectedDigests: readonly Digest[];
  /** What was here at this moment waits for its owner's yes; null: he has said it, or need not. */
  readonly waitingUntil: number | null;
  readonly removeEmpty: boolean;
}

export interface Collected {
  readonly manifests: readonly { readonly name: RepositoryName; readonly digest: Digest }[];
  readonly links: readonly { readonly name: RepositoryName; readonly digest: Digest }[];
  readonly repositories: readonly RepositoryName[];
  /** How many of the items were kept, by reason; `gone`: they were not there any more. */
  readonly kept: Readonly<Record<KeptBecause, number>>;
}

export type KeptBecause =
  | "tagged"
  | "needed"
  | "young"
  | "protected"
  | "waiting"
  /** Something of its repository could not be read or understood in the tree: all of that is kept. */
  | "unreadable"
  | "gone";

/** What another registry, or a crash, has left in the tree. */
export type Leftover =
  /** The folder of a link, with a link to bytes that are gone, or with none. */
  | { readonly kind: "link" | "manifest"; readonly digest: Digest }
  /** A tag named this manifest before, which is gone. */
  | { readonly kind: "history"; readonly tag: Tag; readonly digest: Digest }
  /** A tag that names nothing. */
  | { readonly kind: "tag"; readonly tag: Tag }
  /** Folders without anything in them. */
  | { readonly kind: "repository" };

/** A blob that is leaving. `id`: of its row in the trash. */
export interface Claim {
  readonly id: number;
  readonly digest: Digest;
  readonly size: number;
}

export interface Settlement extends Claim {
  readonly moved: boolean;
}

/** All that is known of one repository, as of one moment. */
export interface RepositoryRecords {
  readonly name: RepositoryName;
  readonly tags: readonly TagRecord[];
  readonly manifests: readonly CollectableManifest[];
  readonly links: readonly CollectableLink[];
  /** What could not be read or understood in the tree, manifests in doubt included; empty: nothing. */
  readonly unreadable: readonly Damage[];
}

/** A link, as judging it needs it. */
export interface CollectableLink extends LinkRecord {
  /** When it was made. Never after `seenAt`. */
  readonly linkedAt: number;
}

/** A manifest, as judging it needs it. Times are UTC milliseconds. */
export interface CollectableManifest {
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

export interface TrashRecord {
  readonly id: number;
  /** Of which collection; null: a client removed or moved it. */
  readonly run: number | null;
  readonly kind: "tag" | "manifest" | "link" | "blob";
  /** Null for a blob: its bytes are nobody's. */
  readonly repository: RepositoryName | null;
  readonly tag: Tag | null;
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string | null;
  /** Of a manifest. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  /** When it was pushed or linked. */
  readonly madeAt: number;
  readonly removedAt: number;
  /** In a few words, for people: `moved to sha256:…`, `deleted`, `untagged since …`. */
  readonly reason: string;
  /** Who removed it, when that was a user. */
  readonly removedBy: string | null;
}

/** Everything that is given must hold. */
export interface TrashQuery {
  readonly repository?: RepositoryName;
  readonly tag?: Tag;
  readonly digest?: Digest;
  readonly kind?: TrashRecord["kind"];
  readonly run?: number;
  readonly before?: number;
  readonly limit: number;
}

export interface RunRecord {
  readonly id: number;
  readonly startedAt: number;
  /** Null: it is under way, or a stop cut it off. */
  readonly endedAt: number | null;
  /** JSON; null as long as it has not ended. */
  readonly report: string | null;
}
