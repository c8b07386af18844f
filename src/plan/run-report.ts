import { countActions } from "./plan-repository.ts";
import type { PlannedRegistry, PrunePlan, PruneTotals } from "./prune-plan.ts";
import type { PruneResult, RepositoryOutcome, ResultTotals, RunOutcome } from "./prune-result.ts";

/** How many repositories a report names. */
const NAMED = 1000;

/** What is told about a run to whoever wants to hear of it: small, however much was done. */
export interface RunReport {
  readonly schemaVersion: 1;
  readonly kind: "prune-report";
  readonly registry: PlannedRegistry;
  readonly plan: string;
  /** `planned`: there was only a plan, or nothing to do. */
  readonly outcome: RunOutcome | "planned";
  readonly startedAt: number;
  readonly endedAt: number;
  readonly planned: PruneTotals;
  readonly done: ResultTotals | null;
  /** Of which something was planned: what became of it, with those that went wrong first. */
  readonly repositories: readonly ReportedRepository[];
  /** How many more there are. */
  readonly more: number;
  readonly warnings: readonly string[];
}

interface ReportedRepository {
  readonly repository: string;
  readonly outcome: RepositoryOutcome | "planned";
  readonly reason: string | null;
  /** Tags and manifests that were planned to go. */
  readonly tags: number;
  readonly manifests: number;
}

/** Pure. `result`: null when nothing was done. */
export function runReport(
  plan: PrunePlan,
  id: string,
  result: PruneResult | null,
  endedAt: number,
): RunReport {
  const reported = result
    ? result.repositories.map(({ repository, outcome, reason, actions }) => {
        const { tags, manifests } = countActions(actions.map(({ action }) => action));
        return { repository, outcome, reason, tags, manifests };
      })
    : plan.repositories
        .filter(({ actions }) => actions.length > 0)
        .map(({ repository, actions }): ReportedRepository => {
          const { tags, manifests } = countActions(actions);
          return { repository, outcome: "planned", reason: null, tags, manifests };
        });
  const wrongFirst = reported.toSorted(
    (a, b) => Number(b.reason !== null) - Number(a.reason !== null),
  );
  const { keptRepositories } = plan.totals;
  return {
    schemaVersion: 1,
    kind: "prune-report",
    registry: plan.registry,
    plan: id,
    outcome: result?.outcome ?? "planned",
    startedAt: plan.createdAt,
    endedAt,
    planned: { ...plan.totals, keptRepositories: keptRepositories.slice(0, NAMED) },
    done: result?.totals ?? null,
    repositories: wrongFirst.slice(0, NAMED),
    more: Math.max(0, wrongFirst.length - NAMED),
    warnings: plan.warnings,
  };
}
