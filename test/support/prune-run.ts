import type { RetentionPolicy } from "../../src/retention/policy.ts";
import { NOTHING_IN_USE } from "../../src/retention/in-use.ts";
import type { Audit, AuditRecord } from "../../src/plan/audit.ts";
import { deciderOf } from "../../src/plan/decider.ts";
import { type ApplyWish, applyPrune } from "../../src/plan/prune-apply.ts";
import { type MadePlan, type PruneWish, planPrune } from "../../src/plan/prune-planner.ts";
import type { PrunePlan } from "../../src/plan/prune-plan.ts";
import type { PruneResult } from "../../src/plan/prune-result.ts";
import type { PruneWorld } from "./prune-world.ts";

/** A policy about all repositories that may empty them, unless said otherwise. */
export function policy(more: Partial<RetentionPolicy> = {}): RetentionPolicy {
  return {
    name: "all",
    repositories: ["**"],
    delete: [{ tags: ["old-*"], clock: "pushed" }],
    keep: [],
    limits: { emptyRepositories: true, maxDelete: { share: 1 } },
    ...more,
  };
}

export async function planOf(
  world: PruneWorld,
  policies: readonly RetentionPolicy[],
  more: Partial<PruneWish> = {},
): Promise<MadePlan> {
  return await planPrune({
    target: world.target(),
    decider: deciderOf(policies, { now: world.now, inUse: NOTHING_IN_USE }),
    clock: () => world.now,
    concurrency: 3,
    ...more,
  });
}

/** An audit in memory. */
export function memoryAudit(): Audit & { readonly records: AuditRecord[] } {
  const records: AuditRecord[] = [];
  return {
    records,
    record: (record) => void records.push(record),
    settle: () => undefined,
    close: () => undefined,
  };
}

export async function applyTo(
  world: PruneWorld,
  plan: PrunePlan,
  more: Partial<ApplyWish> = {},
): Promise<PruneResult> {
  return await applyPrune({
    target: world.target(),
    plan,
    concurrency: 3,
    audit: memoryAudit(),
    clock: () => world.now,
    ...more,
  });
}
