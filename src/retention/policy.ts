/**
 * What shall be kept and what may go, as the configuration has it (`config/schema-retention.ts` checks
 * it). Durations are milliseconds, sizes bytes. `compile.ts` makes the predicates.
 *
 * Keep always wins, and what no delete rule names stays. All conditions of one rule must hold, rules are
 * alternatives. The first policy whose globs match a repository is the one that applies to it.
 */
export interface RetentionPolicy {
  readonly name: string;
  /** Globs of repository names (`oci/name-glob.ts`). */
  readonly repositories: readonly string[];
  readonly delete: readonly DeleteRule[];
  readonly keep: readonly KeepRule[];
  readonly budget?: Budget | undefined;
  readonly limits: Limits;
}

/** Which tags a rule is about. What is left out is no condition. */
export interface TagConditions {
  /** Globs (`pr-*`), or regular expressions between slashes (`/^dev-/`), of which one must match. */
  readonly tags?: readonly string[] | undefined;
  /** The same, of which none may match. */
  readonly except?: readonly string[] | undefined;
  /** A range of versions, such as `>=1.0.0 <3`: only tags that are versions, with or without `v`. */
  readonly semver?: string | undefined;
  /** Whether the tag is a version at all. */
  readonly version?: boolean | undefined;
}

/** A delete rule must have a condition: an empty one is no way to say everything (`tags: ["*"]` is). */
export interface DeleteRule extends TagConditions {
  /** True: this rule is about manifests that no tag, index or subject keeps, and about no tag. */
  readonly untagged?: boolean | undefined;
  readonly olderThan?: number | undefined;
  readonly clock: Clock;
}

export interface KeepRule extends TagConditions {
  /** Of the tags that the other conditions of this rule select, in each group: so many of the first in the order. */
  readonly newest?: number | undefined;
  /** Unset: `semver` where the rule has a condition on versions, `pushed` elsewhere. */
  readonly orderBy?: Order | undefined;
  /** `major`, `minor`, or a regular expression whose named groups (or the whole match) are the group. */
  readonly groupBy?: string | undefined;
  /** `doomed`: `newest` counts only those that a delete rule selects and no other keep rule keeps. */
  readonly of: "selected" | "doomed";
  /** Only in repositories that have no more tags than this; tags that follow a subject do not count. */
  readonly tagsAtMost?: number | undefined;
  readonly pulledWithin?: number | undefined;
  readonly pushedWithin?: number | undefined;
  readonly createdWithin?: number | undefined;
  /** Sources of images that somebody runs: `file:PATH`, `command:…`, `manifests:DIR`, `kubernetes[:FILE]`. */
  readonly inUse?: readonly string[] | undefined;
}

/** By which time `olderThan` counts: the tag's push, what its config says, the last pull. */
export type Clock = "pushed" | "created" | "pulled";

export type Order = "semver" | "natural" | "pushed" | "created" | "pulled";

/** Tags that no keep rule keeps go, the oldest first, until the rest is within the size. */
export interface Budget {
  /** Bytes; each blob counts once in the scope. */
  readonly size: number;
  /** Each repository by itself, or all that the policy applies to together. */
  readonly per: "repository" | "policy";
  readonly oldest: "pushed" | "pulled";
}

/** What a run may do at most; beyond it nothing of the policy's repositories is done. */
export interface Limits {
  /**
   * `share`: of the tags of all repositories of the policy, from 0 to 1; `count`: tags and untagged
   * manifests. Both hold where both are given.
   */
  readonly maxDelete?: { readonly share?: number; readonly count?: number } | undefined;
  /** Whether a repository may lose all of its tags. */
  readonly emptyRepositories: boolean;
}
