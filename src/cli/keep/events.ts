import type { Config } from "../../config/schema.ts";
import type { EndedRun, KeeperEvents } from "../../keep/keeper-status.ts";
import type { KeepMetrics } from "../../keep/metrics.ts";
import type { Log } from "../../observe/log.ts";
import { humanSize } from "../units.ts";

/** Tells the log, the metrics and those who want reports of what keepers do. */
export function tellOf(
  _config: () => Config,
  metrics: KeepMetrics,
  log: Log,
): { readonly events: KeeperEvents; close(): Promise<void> } {
  const events: KeeperEvents = {
    asked: (registry, kind, why, answer) =>
      log.info({ registry, kind, why }, answer === "begins" ? "a run begins" : "a run waits"),
    began: (registry, kind) => log.debug({ registry, kind }, "a run has begun"),
    ended(run) {
      metrics.ended(run);
      say(run, log);
    },
    trouble: (registry, error) =>
      log.error({ registry, err: error }, "it could not be written down; trying again"),
  };
  return { events, close: async () => await Promise.resolve() };
}

function say({ registry, kind, outcome, beganAt, endedAt, done, error }: EndedRun, log: Log): void {
  const facts = { registry, kind, outcome, seconds: Math.round((endedAt - beganAt) / 100) / 10 };
  if (!done) {
    const reason = (error as Error).message;
    log.error({ ...facts, reason }, "a run failed");
    return;
  }
  const { tags, manifests, bytes, reason } = done;
  const counts = { ...(kind === "prune" && { tags }), manifests, bytes };
  const size = bytes === null ? "" : `, ${humanSize(bytes)}`;
  const what = kind === "prune" ? `removed ${tags} tags` : `removed ${manifests} manifests`;
  const level = outcome === "done" || outcome === "stopped" ? "info" : "warn";
  log[level]({ ...facts, ...counts, ...(reason !== null && { reason }) }, `${what}${size}`);
}
