import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/** What becomes of one repository. Every outcome has a reason. */
export interface RetentionVerdict {
  readonly repository: RepositoryName;
  /** Name of the policy that applied; null: none, and all stays. */
  readonly policy: string | null;
  /** Not null: nothing of it goes, because of this (unreadable content, a source that could not be read). */
  readonly keptWhole: string | null;
  /** Every tag, in the order of the inventory. */
  readonly tags: readonly TagVerdict[];
  /**
   * The manifests that go: those whose every tag goes, untagged ones that a rule names, then what only they
   * need, children and referrers. Parents before their children, subjects before their referrers: an
   * interruption in between leaves garbage, and never an image without its parts or its signatures.
   */
  readonly manifests: readonly ManifestVerdict[];
}

export interface TagVerdict {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly outcome: "keep" | "delete";
  /** The rule that decided; null: no delete rule names it, or it follows its subject. */
  readonly rule: RuleName | null;
  /** In a few words, for people: `older than 14d (pushed 2026-01-02)`, `newest 3 by semver of minor 1.4`. */
  readonly reason: string;
  /** Not null: a time was needed and not known, or not believed; so it was kept. */
  readonly doubt: string | null;
}

/** Where a rule stands in its policy: `delete.0`, `keep.2`, `budget`. */
export type RuleName = string;

export interface ManifestVerdict {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Tags of it, all of which go with it. */
  readonly tags: readonly Tag[];
  readonly rule: RuleName | null;
  readonly reason: string;
}
