import { Counter, Gauge, Registry } from "prom-client";
import { pruneMetrics } from "../observe/prune-metrics.ts";
import { registerProcess } from "../observe/process-metrics.ts";
import type { Heard } from "./inbox.ts";
import type { EndedRun, KeeperStatus } from "./keeper-status.ts";
import { KINDS } from "./queue.ts";

/** What is counted; names of registries are the only labels that are not of a fixed set. */
export interface KeepMetrics {
  readonly registry: Registry;
  ended(run: EndedRun): void;
  heard(what: Heard): void;
  /** A delivery that was refused. */
  refused(status: number): void;
  reloaded(outcome: "applied" | "refused"): void;
  /** Where the rest is looked up. */
  watch(sources: KeepSources): void;
}

export interface KeepSources {
  readonly statuses: () => readonly KeeperStatus[];
  /** Times that strangers told and that were forgotten for want of room. */
  readonly forgotten: () => number;
}

export function createKeepMetrics(): KeepMetrics {
  const registry = new Registry();
  const registers = [registry];
  const job = ["registry", "kind"] as const;
  let sources: KeepSources = { statuses: () => [], forgotten: () => 0 };
  registerProcess(registry);
  const pruned = pruneMetrics(registry);

  const runs = new Counter({
    name: "wharf_keep_runs_total",
    help: "Runs by what they were and how they ended",
    labelNames: [...job, "outcome"],
    registers,
  });
  const seconds = new Counter({
    name: "wharf_keep_run_seconds_total",
    help: "How long runs took, all together",
    labelNames: job,
    registers,
  });
  const tags = new Counter({
    name: "wharf_keep_removed_tags_total",
    help: "Tags that prunings have removed",
    labelNames: ["registry"],
    registers,
  });
  const manifests = new Counter({
    name: "wharf_keep_removed_manifests_total",
    help: "Manifests that runs have removed",
    labelNames: job,
    registers,
  });
  const bytes = new Counter({
    name: "wharf_keep_removed_bytes_total",
    help: "Bytes that prunings let go, and that collections freed or moved to the trash",
    labelNames: job,
    registers,
  });
  const events = new Counter({
    name: "wharf_keep_events_total",
    help: "Events of notifications, by what they told of; passed: nothing follows from them",
    labelNames: ["registry", "event"],
    registers,
  });
  const refused = new Counter({
    name: "wharf_keep_deliveries_refused_total",
    help: "Notifications that were refused, by the status they were answered with",
    labelNames: ["status"],
    registers,
  });
  const reloads = new Counter({
    name: "wharf_keep_reloads_total",
    help: "Configurations read again, by what became of them",
    labelNames: ["outcome"],
    registers,
  });
  const gauge = (
    name: string,
    help: string,
    set: (gauge: Gauge<"registry" | "kind">) => void,
  ): void => {
    void new Gauge({
      name,
      help,
      labelNames: job,
      registers,
      collect() {
        this.reset();
        set(this);
      },
    });
  };
  const each = (value: (status: KeeperStatus, kind: (typeof KINDS)[number]) => number | null) => {
    return (to: Gauge<"registry" | "kind">): void => {
      for (const status of sources.statuses()) {
        for (const kind of KINDS) {
          const found = value(status, kind);
          if (found !== null) to.set({ registry: status.registry, kind }, found);
        }
      }
    };
  };
  gauge(
    "wharf_keep_last_success_timestamp_seconds",
    "When all that there was to do was done the last time",
    each(({ jobs }, kind) => inSeconds(jobs[kind].past.succeededAt)),
  );
  gauge(
    "wharf_keep_last_run_timestamp_seconds",
    "When the last run began",
    each(({ jobs }, kind) => inSeconds(jobs[kind].past.beganAt)),
  );
  gauge(
    "wharf_keep_next_run_timestamp_seconds",
    "When the next run is due, by its schedule or after deletes; absent: it is not",
    each(({ jobs, deletesAt }, kind) => {
      const due = [jobs[kind].nextAt, kind === "collect" ? deletesAt : null];
      const known = due.filter((at) => at !== null);
      return known.length === 0 ? null : Math.min(...known) / 1000;
    }),
  );
  gauge(
    "wharf_keep_running",
    "Whether a run goes on",
    each(({ running }, kind) => Number(running?.kind === kind)),
  );
  gauge(
    "wharf_keep_queue",
    "Runs that wait for the one that goes on",
    each(({ waiting }, kind) => Number(waiting.includes(kind))),
  );
  void new Gauge({
    name: "wharf_keep_times_forgotten",
    help: "Times that only notifications told of, of nothing that is known, forgotten for want of room since the start",
    registers,
    collect() {
      this.set(sources.forgotten());
    },
  });

  return {
    registry,
    ended(run) {
      const { registry: name, kind, outcome, beganAt, endedAt, done } = run;
      runs.inc({ registry: name, kind, outcome });
      seconds.inc({ registry: name, kind }, Math.max(0, endedAt - beganAt) / 1000);
      if (kind === "prune") pruned(prunedIn(run));
      if (!done) return;
      if (kind === "prune") tags.inc({ registry: name }, done.tags);
      manifests.inc({ registry: name, kind }, done.manifests);
      bytes.inc({ registry: name, kind }, done.bytes ?? 0);
    },
    heard({ registry: name, ...counts }) {
      for (const [event, count] of Object.entries(counts)) {
        if (count > 0) events.inc({ registry: name ?? "", event }, count);
      }
    },
    refused: (status) => refused.inc({ status: String(status) }),
    reloaded: (outcome) => reloads.inc({ outcome }),
    watch: (more) => (sources = more),
  };
}

/** As `wharf serve` counts its own runs of retention. */
function prunedIn({ registry, outcome, beganAt, endedAt, done }: EndedRun) {
  return {
    registry,
    outcome: outcome === "partial" ? "failed" : outcome,
    tags: done?.tags ?? 0,
    manifests: done?.manifests ?? 0,
    freed: done?.bytes ?? 0,
    kept: done?.kept ?? 0,
    seconds: Math.max(0, endedAt - beganAt) / 1000,
    endedAt,
  } as const;
}

function inSeconds(at: number | null): number | null {
  return at === null ? null : at / 1000;
}
