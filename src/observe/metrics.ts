import { Counter, Histogram, Registry } from "prom-client";
import { HttpTally, registerTally } from "./http-tally.ts";
import { type PruneRun, pruneMetrics } from "./prune-metrics.ts";
import { registerProcess } from "./process-metrics.ts";
import { type Sources, registerSources } from "./sources.ts";

export type Outcome = "applied" | "refused";

/** What is counted, and how it is said. One for each process, or test. */
export interface Metrics {
  readonly http: HttpTally;
  readonly contentType: string;
  /** One transaction of the metadata: how many changes it held, and how long it took. */
  committed(changes: number, ms: number): void;
  reloaded(outcome: Outcome): void;
  /** A run of retention has ended. */
  pruned(run: PruneRun): void;
  /** Adds places to look at. */
  watch(sources: Sources): void;
  text(): Promise<string>;
  /** Name, type and meaning of each, in the order of their names. */
  describe(): Promise<{ readonly name: string; readonly type: string; readonly help: string }[]>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const http = new HttpTally();
  let sources: Sources = {};
  registerTally(http, registry);
  registerProcess(registry);

  const batches = new Histogram({
    name: "wharf_commit_changes",
    help: "Changes that shared one transaction of the metadata",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  });
  const commits = new Histogram({
    name: "wharf_commit_duration_seconds",
    help: "Time of one transaction of the metadata, sync included",
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const reloads = new Counter({
    name: "wharf_reloads_total",
    help: "Configurations read again, by what became of them",
    labelNames: ["outcome"],
    registers,
  });
  const pruned = pruneMetrics(registry);
  registerSources(registry, () => sources);

  return {
    http,
    contentType: registry.contentType,
    committed(changes, ms) {
      batches.observe(changes);
      commits.observe(ms / 1000);
    },
    reloaded: (outcome) => reloads.inc({ outcome }),
    pruned,
    watch(more) {
      sources = { ...sources, ...more };
    },
    text: async () => await registry.metrics(),
    async describe() {
      const all = await registry.getMetricsAsJSON();
      const lines = all.map(({ name, type, help }) => ({ name, type: String(type), help }));
      return lines.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}
