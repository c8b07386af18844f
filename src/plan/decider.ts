import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { RetentionVerdict } from "../retention/verdict.ts";

/**
 * Decides about repositories by policies, at one moment and with one reading of the sources of images in
 * use: that is what a run has in its hand. Pure.
 */
export interface Decider {
  readonly policies: readonly RetentionPolicy[];
  /** The first whose globs match. */
  policyOf(name: RepositoryName): RetentionPolicy | null;
  /**
   * Not null: nothing of this policy's repositories may go, because of this; a source of images in use
   * that could not be read.
   */
  obstacleOf(policy: RetentionPolicy): string | null;
  /** `evicted`: tags that go as well, because of a budget over all repositories of the policy. */
  decide(inventory: RetentionInventory, evicted?: ReadonlySet<Tag>): RetentionVerdict;
  /**
   * What a budget over all repositories of the policy may take: tags that stay, and that no keep rule
   * keeps. `at`: by which the oldest go first; null: nobody knows, and it stays.
   */
  evictable(inventory: RetentionInventory): readonly Evictable[];
}

export interface Evictable {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly at: number | null;
}
