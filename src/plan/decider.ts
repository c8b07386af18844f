import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { BudgetLedger } from "../retention/budget.ts";
import { compilePolicies, policyFor } from "../retention/compile.ts";
import { type InUse, decideRetention } from "../retention/decide.ts";
import { type Explanation, explainTag } from "../retention/explain.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { RetentionVerdict } from "../retention/verdict.ts";

/**
 * Decides about repositories by policies, at one moment and with one reading of the sources of images in
 * use: that is what a run has in its hand. Pure.
 */
export interface Decider {
  readonly policies: readonly RetentionPolicy[];
  /** The first whose globs match; null: all of the repository stays. */
  policyOf(name: RepositoryName): RetentionPolicy | null;
  /** `overBudget`: tags that go as well, because of a budget over all repositories of the policy. */
  decide(inventory: RetentionInventory, overBudget?: ReadonlySet<Tag>): RetentionVerdict;
  /** What of a repository is in use by its digest, as far as its policy asks. */
  inUseOf(name: RepositoryName): readonly Digest[];
  /** Why a tag stays or goes, rule by rule; null: it is not there. */
  explain(inventory: RetentionInventory, tag: Tag): Explanation | null;
  /** A new account of what all repositories of a policy take; null: it has no such budget. */
  ledger(policy: RetentionPolicy): Ledger | null;
}

/** @see BudgetLedger */
export interface Ledger {
  add(inventory: RetentionInventory, verdict: RetentionVerdict): void;
  settle(): ReadonlyMap<RepositoryName, ReadonlySet<Tag>>;
}

export function deciderOf(
  policies: readonly RetentionPolicy[],
  context: { readonly now: number; readonly inUse: InUse },
): Decider {
  const compiled = compilePolicies(policies);
  return {
    policies,
    policyOf: (name) => policyFor(compiled, name)?.settings ?? null,
    decide: (inventory, overBudget) =>
      decideRetention(inventory, policyFor(compiled, inventory.name), { ...context, overBudget }),
    inUseOf: (name) => context.inUse.named?.(policyFor(compiled, name)?.sources ?? [], name) ?? [],
    explain: (inventory, tag) =>
      explainTag(inventory, policyFor(compiled, inventory.name), context, tag),
    ledger(policy) {
      const one = compiled.find(({ settings }) => settings === policy);
      if (!one || policy.budget?.per !== "policy") return null;
      const ledger = new BudgetLedger(one);
      return {
        add: (inventory, verdict) => ledger.add(inventory, verdict, context),
        settle: () => ledger.settle(),
      };
    },
  };
}

/** The sources of images in use that these name. Pure. */
export function sourcesOf(policies: readonly RetentionPolicy[]): readonly string[] {
  return [...new Set(policies.flatMap(({ keep }) => keep.flatMap(({ inUse }) => inUse ?? [])))];
}
