import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";

/**
 * The document of a collection: what goes and why, what is kept whole and why, and exact bytes. Times are
 * UTC milliseconds, sizes bytes.
 *
 * It is a stream: one `GcRepository` for each repository of which something goes or that is kept whole, in
 * the order of their names, then one `GcTotals`. So nobody has to hold all of it.
 */
export type GcPlanPart = { readonly repository: GcRepository } | { readonly totals: GcTotals };

/** What would become of one repository. */
export interface GcRepository {
  readonly repository: RepositoryName;
  /** Null: judged piece by piece. Otherwise nothing of it goes, because of this. */
  readonly keptWhole: string | null;
  readonly manifests: readonly DoomedManifest[];
  readonly links: readonly DoomedLink[];
  /** What lies in a tree beside content; all 0 where there is no tree. */
  readonly leftovers: GcLeftovers;
  /** Nothing is left of it: its name goes, too. */
  readonly removed: boolean;
  readonly bytes: GcRepositoryBytes;
}

/** Why a manifest goes: no tag, and nothing that stays, leads to it. The reason is what might have kept it. */
export type ManifestReason =
  /** No tag names it. */
  | "untagged"
  /** It is named only by indexes that go. */
  | "index-goes"
  /** It is a referrer of a manifest that goes. */
  | "subject-goes"
  /** It is a referrer of a manifest that is not here. */
  | "subject-missing";

export interface DoomedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly reason: ManifestReason;
  /** It was pushed, pulled or tagged last at this time. */
  readonly since: number;
}

/** A layer link that no manifest of its repository needs. `bytes-missing`: what it links is not there either. */
export interface DoomedLink {
  readonly digest: Digest;
  /** Null: the bytes are not there. */
  readonly size: number | null;
  readonly reason: "unneeded" | "bytes-missing";
  readonly since: number;
}

/** How many of each there are. */
export interface GcLeftovers {
  /** Entries of tags' history that name manifests which go, or are gone. */
  readonly history: number;
  /** Unfinished uploads of another registry, older than the grace. */
  readonly uploads: number;
  /** Links on their way to their name, older than the grace. */
  readonly temporary: number;
  readonly emptyFolders: number;
}

/** Of the blobs, manifests included, that a repository lets go. */
export interface GcRepositoryBytes {
  /** Nobody else has them. What several repositories let go counts in the first of them. */
  readonly freed: number;
  /** They stay, because other repositories keep them. */
  readonly shared: number;
}

/**
 * All in all. Blobs are counted once, whoever links them, manifests among them; manifests once for each
 * repository. `garbage` is what goes, `live` all that stays, for whatever reason. `bytes.trash`: what lies
 * in the trash, restorable.
 */
export interface GcTotals {
  readonly repositories: number;
  readonly manifests: Counts;
  readonly links: Counts;
  readonly blobs: Counts;
  readonly bytes: Counts & { readonly trash: number };
  /** Blobs that no repository links, and their bytes; parts of `garbage`. */
  readonly orphans: { readonly blobs: number; readonly bytes: number };
  readonly keptRepositories: readonly KeptRepository[];
  /** How long it took to find out. */
  readonly seconds: number;
}

export interface Counts {
  readonly live: number;
  readonly garbage: number;
}

export interface KeptRepository {
  readonly repository: RepositoryName;
  readonly reason: string;
}

export const NO_LEFTOVERS: GcLeftovers = { history: 0, uploads: 0, temporary: 0, emptyFolders: 0 };
