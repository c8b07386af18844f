import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What there is to count of one run of retention, on one registry. */
export interface PruneRun {
  readonly registry: string;
  /** `planned`: nothing was to be done but a plan. */
  readonly outcome: "done" | "planned" | "refused" | "failed" | "stopped";
  readonly tags: number;
  readonly manifests: number;
  /** Bytes, as planned. */
  readonly freed: number;
  /** Repositories of which nothing was done although something was to be: kept whole, drifted, failed. */
  readonly kept: number;
  readonly seconds: number;
  /** UTC milliseconds. */
  readonly endedAt: number;
}

/** Counts runs of retention, for `wharf keep` and `wharf serve`. Registers its metrics once. */
export function pruneMetrics(registry: Registry): (run: PruneRun) => void {
  const registers = [registry];
  const labelNames = ["registry"];
  const runs = new Counter({
    name: "wharf_prune_runs_total",
    help: "Runs of retention, by what became of them",
    labelNames: ["registry", "outcome"],
    registers,
  });
  const removed = new Counter({
    name: "wharf_prune_removed_total",
    help: "Tags and manifests that retention has removed",
    labelNames: ["registry", "kind"],
    registers,
  });
  const freed = new Counter({
    name: "wharf_prune_freed_bytes_total",
    help: "Bytes that nothing needs any more after retention, which a collection frees",
    labelNames,
    registers,
  });
  const kept = new Gauge({
    name: "wharf_prune_kept_repositories",
    help: "Repositories that the last run left alone: unreadable, refused by a limit, changed meanwhile, failed",
    labelNames,
    registers,
  });
  const ended = new Gauge({
    name: "wharf_prune_last_run_timestamp_seconds",
    help: "When the last run ended, by what became of it, in Unix time",
    labelNames: ["registry", "outcome"],
    registers,
  });
  const duration = new Histogram({
    name: "wharf_prune_duration_seconds",
    help: "Time of a run of retention, from its plan to its end",
    labelNames,
    buckets: [0.1, 1, 10, 60, 300, 1800, 7200],
    registers,
  });
  return (run) => {
    const { registry: name, outcome } = run;
    runs.inc({ registry: name, outcome });
    removed.inc({ registry: name, kind: "tag" }, run.tags);
    removed.inc({ registry: name, kind: "manifest" }, run.manifests);
    freed.inc({ registry: name }, run.freed);
    kept.set({ registry: name }, run.kept);
    ended.set({ registry: name, outcome }, run.endedAt / 1000);
    duration.observe({ registry: name }, run.seconds);
  };
}
