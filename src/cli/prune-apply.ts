import { openAudit } from "../plan/audit.ts";
import type { Opened } from "../plan/open-prune.ts";
import { type ApplyWish, applyPrune } from "../plan/prune-apply.ts";
import { planId } from "../plan/plan-id.ts";
import type { PrunePlan } from "../plan/prune-plan.ts";
import type { PruneResult } from "../plan/prune-result.ts";
import { runReport } from "../plan/run-report.ts";
import { type ReportEndpoint, postReport } from "../notify/post-report.ts";
import { progressOn } from "./progress.ts";
import { resultLines } from "./prune-report.ts";
import type { Terminal } from "./terminal.ts";
import { counted } from "./units.ts";

/** What carrying out a plan needs from a command. */
export interface CarryOut extends Pick<Opened, "target" | "concurrency"> {
  readonly plan: PrunePlan;
  /** The file of the audit. */
  readonly audit: string;
  readonly report: readonly ReportEndpoint[];
  readonly quiet: boolean;
  readonly json: boolean;
  readonly more?: Pick<ApplyWish, "wanted" | "before" | "finished">;
}

/** Carries out a plan that somebody said yes to, says what became of it, and tells whoever wants to hear. */
export async function carryOut(
  { target, concurrency, plan, audit: path, report, quiet, json, more }: CarryOut,
  stop: AbortSignal,
  terminal: Terminal,
): Promise<PruneResult> {
  const progress = progressOn(terminal, quiet);
  const audit = openAudit(path);
  let result: PruneResult;
  try {
    result = await applyPrune({
      target,
      plan,
      concurrency,
      audit,
      clock: Date.now,
      stop,
      ...more,
      progress: (done, of) =>
        progress(() => `${plan.registry.name}: ${done} of ${counted(of, "repository")}`),
    });
  } finally {
    audit.close();
  }
  const lines = resultLines(result);
  const last = lines.pop() ?? "";
  for (const line of lines) terminal.note(line);
  if (!quiet && !json) terminal.print(last);
  if (!quiet && json) terminal.note(last);
  const told = runReport(plan, planId(plan), result, Date.now());
  for (const { where, reason } of await postReport(report, told)) {
    if (reason !== null) terminal.note(`${where} has not heard of it: ${reason}`);
  }
  return result;
}
