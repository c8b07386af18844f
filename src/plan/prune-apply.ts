import { inParallel } from "../client/parallel.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { GAVE_UP, applyActions, outcomeOf, outcomeOfAll } from "./apply-repository.ts";
import { type Audit, auditBasis } from "./audit.ts";
import { driftOf } from "./drift.ts";
import { GivingUp } from "./give-up.ts";
import { planId } from "./plan-id.ts";
import type { PlannedRepository, PrunePlan } from "./prune-plan.ts";
import type {
  ActionResult,
  PruneResult,
  RepositoryOutcome,
  RepositoryResult,
  ResultTotals,
  RunOutcome,
} from "./prune-result.ts";
import type { PruneTarget } from "./prune-target.ts";
import { withReferrers } from "./with-referrers.ts";
import { type Turns, turns } from "./turns.ts";

/** What carrying out a plan needs. */
export interface ApplyWish {
  readonly target: PruneTarget;
  readonly plan: PrunePlan;
  /** Repositories that are looked at, and things that are removed, at once. */
  readonly concurrency: number;
  /** Removals a second at most; unset: as many as the registry takes. */
  readonly rate?: number | null;
  readonly audit: Audit;
  readonly clock: () => number;
  /** Which repositories somebody wants; unset: all. */
  readonly wanted?: (name: RepositoryName) => boolean;
  /** Repositories that an earlier run has done. */
  readonly before?: ReadonlySet<RepositoryName>;
  /** A repository is done, and its audit on the disk. */
  readonly finished?: (name: RepositoryName) => void;
  /** For so many milliseconds a look at a repository is believed; unset: 30 seconds. */
  readonly freshFor?: number;
  /** Ends the run where it is safe: what has begun is done, nothing more begins. */
  readonly stop?: AbortSignal;
  readonly progress?: (done: number, of: number) => void;
}

/**
 * Carries out a plan, and nothing but the plan. Each repository is read again first; one that does not fit
 * any more is left as it is, and so is one that fails: the others go on.
 *
 * It may be called again with the same plan after whatever interruption: what is gone counts as done. What
 * it does is limited by what is planned, so that any number of interrupted runs and a last whole one leave
 * what one whole run leaves. Throws AUDIT_FAILED, when nothing more is removed.
 */
export async function applyPrune(wish: ApplyWish): Promise<PruneResult> {
  const { plan, clock, wanted = () => true, concurrency, progress } = wish;
  const startedAt = clock();
  const planned = plan.repositories.filter(
    ({ actions, repository }) => actions.length > 0 && wanted(repository),
  );
  const applying = new Applying(wish, planId(plan));
  const repositories: RepositoryResult[] = [];
  for await (const result of inParallel(planned, concurrency, (one) => applying.apply(one))) {
    repositories.push(result);
    progress?.(repositories.length, planned.length);
  }
  const freed = new Map(planned.map(({ repository, bytes }) => [repository, bytes.freed]));
  return {
    schemaVersion: 1,
    kind: "prune-result",
    plan: applying.plan,
    registry: plan.registry,
    startedAt,
    endedAt: clock(),
    outcome: outcomeOfRun(repositories),
    repositories,
    totals: totalsOf(repositories, freed),
  };
}

class Applying {
  readonly plan: string;
  readonly #wish: ApplyWish;
  readonly #turns: Turns;
  readonly #stop: AbortSignal;
  /** When the audit has failed, for the repositories that are under way. */
  readonly #broken = new AbortController();
  readonly #givingUp = new GivingUp();

  constructor(wish: ApplyWish, plan: string) {
    this.plan = plan;
    this.#wish = wish;
    this.#turns = turns(wish.concurrency, wish.rate ?? null);
    this.#stop = AbortSignal.any([this.#broken.signal, ...(wish.stop ? [wish.stop] : [])]);
  }

  async apply(planned: PlannedRepository): Promise<RepositoryResult> {
    const { repository, actions } = planned;
    const left = (outcome: RepositoryOutcome, reason: string | null): RepositoryResult => ({
      repository,
      outcome,
      reason,
      actions: actions.map((action) => ({ action, result: "left", reason: null })),
    });
    if (this.#wish.before?.has(repository)) return left("before", null);
    if (this.#stop.aborted) return left("stopped", "it was stopped before");
    const { because } = this.#givingUp;
    if (because) return left(outcomeOf(because), GAVE_UP);
    try {
      const { target } = this.#wish;
      const found = await target.inventoryOf(repository);
      if (found === null) {
        const results = actions.map(gone);
        for (const result of results) this.#record(planned, result);
        return this.#end(repository, results);
      }
      const going = actions.flatMap((one) =>
        one.action === "delete-manifest" ? [one.digest] : [],
      );
      const inventory = await withReferrers(target, found, () => going);
      const drift = driftOf(planned, inventory);
      if (drift !== null) return left("drifted", drift);
      const results = await applyActions(planned, inventory, {
        target,
        turns: this.#turns,
        givingUp: this.#givingUp,
        stop: this.#stop,
        freshFor: this.#wish.freshFor,
        tried: (result) => this.#record(planned, result),
      });
      return this.#end(repository, results);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.kind === "AUDIT_FAILED") {
        this.#broken.abort();
        throw error;
      }
      this.#givingUp.failed(error);
      return left("failed", error.message);
    }
  }

  #record(
    { repository, policy }: PlannedRepository,
    { action, result, reason }: ActionResult,
  ): void {
    const { plan, audit, clock } = this.#wish;
    audit.record({
      time: new Date(clock()).toISOString(),
      ...auditBasis(plan.registry, this.plan, repository, policy, action),
      result,
      error: reason,
    });
  }

  #end(repository: RepositoryName, actions: readonly ActionResult[]): RepositoryResult {
    const { outcome, reason } = outcomeOfAll(actions);
    this.#wish.audit.settle();
    if (outcome === "done") this.#wish.finished?.(repository);
    return { repository, outcome, reason, actions };
  }
}

function gone(action: ActionResult["action"]): ActionResult {
  return { action, result: "gone", reason: null };
}

function outcomeOfRun(repositories: readonly RepositoryResult[]): RunOutcome {
  const any = (...wanted: RepositoryOutcome[]): boolean =>
    repositories.some(({ outcome }) => wanted.includes(outcome));
  if (any("failed")) return "failed";
  if (any("stopped")) return "stopped";
  return any("drifted", "refused") ? "refused" : "done";
}

function totalsOf(
  results: readonly RepositoryResult[],
  bytes: ReadonlyMap<RepositoryName, number>,
): ResultTotals {
  const repositories = { done: 0, before: 0, drifted: 0, refused: 0, failed: 0, stopped: 0 };
  let tags = 0;
  let manifests = 0;
  let freed = 0;
  for (const { repository, outcome, actions } of results) {
    repositories[outcome]++;
    if (outcome === "done") freed += bytes.get(repository) ?? 0;
    for (const { action, result } of actions) {
      if (result !== "done") continue;
      if (action.action === "remove-tag") tags++;
      else if (action.action === "delete-manifest") {
        tags += action.tags.length;
        manifests++;
      }
    }
  }
  return { repositories, tags, manifests, freed };
}
