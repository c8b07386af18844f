import type { MadePlan } from "../../plan/prune-planner.ts";
import type { PruneResult } from "../../plan/prune-result.ts";
import type { PrunerOutcome } from "../../plan/pruner.ts";

/** So many repositories are named. */
const NAMED = 100;

/** What a plan, or what was done of it, comes to for whoever asks about the run. Pure. */
export function outcomeOf(made: MadePlan, result: PruneResult | null): PrunerOutcome {
  const { totals } = made.plan;
  const undone = (result?.repositories ?? []).flatMap(({ repository, outcome, reason }) =>
    outcome === "done" || outcome === "before" || reason === null ? [] : [{ repository, reason }],
  );
  const kept = [...totals.keptRepositories, ...undone].slice(0, NAMED);
  const [first] = kept;
  const reason = first === undefined ? null : `${first.repository}: ${first.reason}`;
  const common = { kept, reason };
  if (result === null) {
    const outcome = made.failures > 0 ? "failed" : made.refused > 0 ? "refused" : "planned";
    const counts = { tags: totals.tags.deleted, manifests: totals.manifests };
    return { ...common, ...counts, outcome, bytes: totals.bytes };
  }
  const outcome =
    result.outcome === "stopped"
      ? "stopped"
      : made.failures > 0 || result.outcome === "failed"
        ? "failed"
        : made.refused > 0
          ? "refused"
          : result.outcome;
  const { tags, manifests, freed } = result.totals;
  return { ...common, tags, manifests, outcome, bytes: { freed, shared: totals.bytes.shared } };
}
