import { schema } from "../../src/config/schema.ts";
import type { Decider } from "../../src/plan/decider.ts";
import { compilePolicies, policyFor } from "../../src/retention/compile.ts";
import { NOTHING_IN_USE, decideRetention } from "../../src/retention/decide.ts";

/** Decides by policies as they stand in a configuration, where nothing is in use and no budget spans repositories. */
export function deciderBy(retention: readonly object[], now = Date.now()): Decider {
  const policies = schema.shape.retention.parse(retention);
  const compiled = compilePolicies(policies);
  return {
    policies,
    policyOf: (name) => policyFor(compiled, name)?.settings ?? null,
    obstacleOf: () => null,
    decide: (inventory) =>
      decideRetention(inventory, policyFor(compiled, inventory.name), {
        now,
        inUse: NOTHING_IN_USE,
      }),
    evictable: () => [],
  };
}
