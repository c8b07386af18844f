import type { Config } from "../../config/schema.ts";
import type { EndedRun, KeeperEvents } from "../../keep/keeper-status.ts";
import type { KeepMetrics } from "../../keep/metrics.ts";
import { postReport } from "../../notify/post-report.ts";
import type { Log } from "../../observe/log.ts";
import { counted, humanSize } from "../units.ts";

/** How long a stop waits for reports that are under way. */
const LAST_MS = 5000;

/** Tells the log, the metrics and those who want reports of what keepers do. */
export function tellOf(
  config: () => Config,
  metrics: KeepMetrics,
  log: Log,
): { readonly events: KeeperEvents; close(): Promise<void> } {
  const posting = new Set<Promise<void>>();
  const giveUp = new AbortController();
  const post = async (run: EndedRun): Promise<void> => {
    const { report } = config().keep;
    for (const { where, reason } of await postReport(report, reportOf(run), {
      stop: giveUp.signal,
    })) {
      if (reason !== null) log.warn({ endpoint: where, reason }, "a report was not taken");
    }
  };
  const events: KeeperEvents = {
    asked: (registry, kind, why, answer) =>
      log.info({ registry, kind, why }, answer === "begins" ? "a run begins" : "a run waits"),
    began: (registry, kind) => log.debug({ registry, kind }, "a run has begun"),
    ended(run) {
      metrics.ended(run);
      say(run, log);
      const posted = post(run).finally(() => posting.delete(posted));
      posting.add(posted);
    },
    trouble: (registry, error) =>
      log.error({ registry, err: error }, "it could not be written down; trying again"),
  };
  return {
    events,
    async close() {
      const late = setTimeout(() => giveUp.abort(), LAST_MS);
      await Promise.all(posting);
      clearTimeout(late);
    },
  };
}

/** What those hear who want reports: of a pruning what `wharf prune` tells, too, as `details`. Pure. */
function reportOf({ registry, kind, outcome, beganAt, endedAt, done, error }: EndedRun): object {
  const { tags = 0, manifests = 0, bytes = null, kept = 0, reason = null } = done ?? {};
  return {
    schemaVersion: 1,
    kind: "keep-report",
    registry,
    run: kind,
    outcome,
    reason: done === null ? (error as Error).message : reason,
    began: new Date(beganAt).toISOString(),
    ended: new Date(endedAt).toISOString(),
    tags,
    manifests,
    bytes,
    kept,
    details: done?.document ?? null,
  };
}

function say({ registry, kind, outcome, beganAt, endedAt, done, error }: EndedRun, log: Log): void {
  const facts = { registry, kind, outcome, seconds: Math.round((endedAt - beganAt) / 100) / 10 };
  if (!done) {
    log.error({ ...facts, reason: (error as Error).message }, "a run failed");
    return;
  }
  const { tags, manifests, bytes, kept, reason } = done;
  const counts = { ...(kind === "prune" && { tags }), manifests, bytes, kept };
  const what = kind === "prune" ? `${counted(tags, "tag")}, ` : "";
  const size = bytes === null ? "" : `, ${humanSize(bytes)}`;
  const level = outcome === "done" || outcome === "stopped" ? "info" : "warn";
  log[level](
    { ...facts, ...counts, ...(reason !== null && { reason }) },
    `removed ${what}${counted(manifests, "manifest")}${size}`,
  );
}
