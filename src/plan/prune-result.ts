import type { RepositoryName } from "../oci/name.ts";
import type { PlannedAction, PlannedRegistry } from "./prune-plan.ts";

/**
 * What carrying out a plan has come to, as a document. Times are UTC milliseconds, sizes bytes.
 */
export interface PruneResult {
  readonly schemaVersion: 1;
  readonly kind: "prune-result";
  /** Of the plan: see `planId`. */
  readonly plan: string;
  readonly registry: PlannedRegistry;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: RunOutcome;
  /** Those of which something was planned, in the order of the plan. */
  readonly repositories: readonly RepositoryResult[];
  readonly totals: ResultTotals;
}

/**
 * `done`: all of it, now or before. `refused`: nothing failed, and some of it does not fit any more, or the
 * registry does not allow it. `failed`: some of it could not be done. `stopped`: somebody wanted an end.
 */
export type RunOutcome = "done" | "refused" | "failed" | "stopped";

export interface RepositoryResult {
  readonly repository: RepositoryName;
  readonly outcome: RepositoryOutcome;
  /** Null when it was done. */
  readonly reason: string | null;
  readonly actions: readonly ActionResult[];
}

/**
 * `done`: each action is done, or what it removes was gone. `before`: an earlier run has done it, and it was not looked at
 * again. `drifted`: it has changed since the plan was made, and nothing, or nothing more, of it was done.
 */
export type RepositoryOutcome = "done" | "before" | "drifted" | "refused" | "failed" | "stopped";

export interface ActionResult {
  readonly action: PlannedAction;
  readonly result: ActionOutcome;
  readonly reason: string | null;
}

/**
 * `gone`: it was not there any more. `kept`: something that stays needs it, or it is not what was planned.
 * `refused`: by the registry. `left`: it was not tried.
 */
export type ActionOutcome = "done" | "gone" | "kept" | "refused" | "failed" | "left";

export interface ResultTotals {
  readonly repositories: Readonly<Record<RepositoryOutcome, number>>;
  /** What this run has removed. */
  readonly tags: number;
  readonly manifests: number;
  /** As planned, of the repositories that are done. */
  readonly freed: number;
}
