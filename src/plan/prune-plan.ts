import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { RuleName } from "../retention/verdict.ts";

/**
 * A plan of `wharf prune`, as a document: what would go from one registry, why, and how many bytes. Shown,
 * saved (`--out`), applied later (`wharf apply`). Times are UTC milliseconds, sizes bytes.
 */
export interface PrunePlan {
  readonly schemaVersion: 1;
  readonly kind: "prune";
  readonly createdAt: number;
  readonly registry: PlannedRegistry;
  /** Those of which something goes, or that are kept whole or refused; in ASCII order. */
  readonly repositories: readonly PlannedRepository[];
  readonly totals: PruneTotals;
  /** What else whoever decides about it should know, in sentences. */
  readonly warnings: readonly string[];
}

export interface PlannedRegistry {
  /** From the configuration, else the host. */
  readonly name: string;
  /** Where it is: an origin (`https://…`), or the absolute path of a folder. */
  readonly place: string;
  /** Exact where all blobs of the registry are known, `estimated` from manifests over a foreign API. */
  readonly bytes: "exact" | "estimated";
}

export interface PlannedRepository {
  readonly repository: RepositoryName;
  readonly policy: string | null;
  /** When its inventory was read: what was pushed after that was not decided about. */
  readonly readAt: number;
  /** How many tags there were. */
  readonly tags: number;
  /** Null: what follows is planned. Else nothing of it is done, because of this. */
  readonly keptWhole: string | null;
  /** In the order in which they are done. */
  readonly actions: readonly PlannedAction[];
  /** Tags that a rule deletes and that stay all the same, and why (shared digest, immutable, no clock). */
  readonly kept: readonly KeptTag[];
  /** Referrers that stay although their subject goes: something else needs them. Newer ones are drift. */
  readonly orphaned: readonly Digest[];
  readonly bytes: PlannedBytes;
}

export type PlannedAction = RestoreTag | RemoveTag | DeleteManifest;

/** The tag stays, and is put back to its image: an earlier removal of it was cut off. */
export interface RestoreTag {
  readonly action: "restore-tag";
  readonly tag: Tag;
  readonly digest: Digest;
  readonly rule: RuleName | null;
  readonly reason: string;
}

/** The tag alone goes: other tags that stay have its digest. */
export interface RemoveTag {
  readonly action: "remove-tag";
  readonly tag: Tag;
  readonly digest: Digest;
  readonly rule: RuleName | null;
  readonly reason: string;
  readonly sharedWith: readonly Tag[];
}

/** A manifest goes with all of its tags, of which there may be none. */
export interface DeleteManifest {
  readonly action: "delete-manifest";
  readonly digest: Digest;
  readonly mediaType: string;
  readonly tags: readonly Tag[];
  readonly rule: RuleName | null;
  readonly reason: string;
}

export interface KeptTag {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly reason: string;
}

export interface PlannedBytes {
  /** Nobody else has them: a collection frees them. What several repositories let go counts in the first of them. */
  readonly freed: number;
  /** Named by what goes, and kept by others. */
  readonly shared: number;
}

export interface PruneTotals {
  /** That a policy is about. */
  readonly repositories: number;
  readonly tags: { readonly all: number; readonly deleted: number };
  /** Manifests that go, tagged or not. */
  readonly manifests: number;
  readonly bytes: PlannedBytes;
  readonly keptRepositories: readonly {
    readonly repository: RepositoryName;
    readonly reason: string;
  }[];
  readonly seconds: number;
}
