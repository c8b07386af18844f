import { join } from "node:path";
import { printable } from "../client/http/printable.ts";
import type { Config } from "../config/schema.ts";
import { openAudit } from "../plan/audit.ts";
import { type Opened, openPrune } from "../plan/open-prune.ts";
import { planId } from "../plan/plan-id.ts";
import { applyPrune } from "../plan/prune-apply.ts";
import { type MadePlan, planPrune } from "../plan/prune-planner.ts";
import type { PruneResult } from "../plan/prune-result.ts";
import { runReport } from "../plan/run-report.ts";
import type { Say } from "./collect/tree.ts";
import type { TagTimes } from "../inventory/api/tag-times.ts";
import type { StopSignals, WorkDone } from "./work.ts";

type Entry = Config["registries"][number];

/** What a run of retention goes by. */
export interface PruneContext {
  readonly config: Pick<Config, "retention" | "keep">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly times: (registry: string) => TagTimes;
  readonly say: Say;
  readonly now: () => number;
}

/** So many repositories that were left alone are named in the log. */
const NAMED = 20;

/**
 * Plans, and carries that out at once unless it is only to be reported. A stop ends it between two removals;
 * a hard one does not wait for those under way, each of which is whole or not there. Throws when the
 * registry cannot be read at all.
 */
export async function pruneRegistry(
  entry: Entry,
  context: PruneContext,
  stop: StopSignals,
): Promise<WorkDone> {
  const { promise: cut, resolve } = Promise.withResolvers<WorkDone>();
  const cutOff = (): void => resolve(STOPPED);
  stop.hard.addEventListener("abort", cutOff, { once: true });
  // What is only planned changes nothing: who reads it may be left alone with it at once.
  stop.asked.addEventListener("abort", cutOff, { once: true });
  const acting = (): void => stop.asked.removeEventListener("abort", cutOff);
  try {
    return await Promise.race([run(entry, { ...context, acting }, stop.asked), cut]);
  } catch (error) {
    if (stop.asked.aborted) return STOPPED;
    throw error;
  } finally {
    stop.hard.removeEventListener("abort", cutOff);
    acting();
  }
}

/** `acting` is called before anything is removed. */
type Running = PruneContext & { readonly acting: () => void };

const STOPPED: WorkDone = {
  outcome: "stopped",
  reason: "stopped before its end",
  tags: 0,
  manifests: 0,
  bytes: null,
  kept: 0,
  document: null,
};

async function run(entry: Entry, context: Running, stop: AbortSignal): Promise<WorkDone> {
  const { config, environment, times, say, now, acting } = context;
  const { state } = config.keep;
  const warn = (line: string): void => say({}, printable(line));
  const opened = await openPrune(entry, config.retention, { environment, state, times, now, warn });
  try {
    const { target, concurrency } = opened;
    const decider = await opened.decider(now());
    const made = await planPrune({ target, decider, clock: now, concurrency, stop });
    // Whoever wanted to know has gone, and so have the state and the log.
    stop.throwIfAborted();
    acting();
    const { plan } = made;
    for (const warning of plan.warnings) warn(warning);
    const something = plan.repositories.some(({ actions }) => actions.length > 0);
    const dryRun = entry.prune?.dryRun ?? false;
    const acts = something && !dryRun;
    const result = acts ? await carryOut(opened, made, context, stop) : null;
    const done = outcomeOf(made, result);
    tell(made, result, say);
    return { ...done, document: runReport(plan, planId(plan), result, now()) };
  } finally {
    await opened.target.close();
  }
}

async function carryOut(
  { target, concurrency }: Opened,
  { plan }: MadePlan,
  { config, now }: PruneContext,
  stop: AbortSignal,
): Promise<PruneResult> {
  const audit = openAudit(join(config.keep.state, "audit.jsonl"));
  try {
    return await applyPrune({ target, plan, concurrency, audit, clock: now, stop });
  } finally {
    audit.close();
  }
}

/** Pure. Of a plan alone nothing was removed. */
function outcomeOf(made: MadePlan, result: PruneResult | null): Omit<WorkDone, "document"> {
  const left = leftAlone(made, result);
  const [first] = left;
  const reason = first === undefined ? null : `${first.repository}: ${first.reason}`;
  const outcome =
    result?.outcome === "stopped"
      ? "stopped"
      : made.failures > 0 || result?.outcome === "failed"
        ? "partial"
        : made.refused > 0 || result?.outcome === "refused"
          ? "refused"
          : "done";
  const { tags, manifests, freed } = result?.totals ?? { tags: 0, manifests: 0, freed: 0 };
  return { outcome, reason, tags, manifests, bytes: freed, kept: left.length };
}

/** Repositories of which nothing went although something was to, and why. */
function leftAlone({ plan }: MadePlan, result: PruneResult | null) {
  const undone = (result?.repositories ?? []).flatMap(({ repository, outcome, reason }) =>
    outcome === "done" || outcome === "before" || reason === null ? [] : [{ repository, reason }],
  );
  return [...plan.totals.keptRepositories, ...undone];
}

function tell(made: MadePlan, result: PruneResult | null, say: Say): void {
  const left = leftAlone(made, result);
  for (const { repository, reason } of left.slice(0, NAMED)) {
    say({ repository, reason }, "nothing was pruned from a repository");
  }
  if (left.length > NAMED) say({ more: left.length - NAMED }, "and from others");
}
