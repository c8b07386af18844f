import type { Config } from "../config/schema.ts";
import type { Collector } from "../gc/collector.ts";
import type { Who } from "../metadata/event.ts";
import type { Health } from "../observe/health.ts";
import type { Metrics } from "../observe/metrics.ts";

/** What those who run the registry ask it about itself. */
export interface Operations {
  readonly health: Health;
  readonly metrics: Metrics;
  /** Null: as long as the registry is not open. */
  readonly collector: Collector | null;
  /** What prunes this registry itself; null: as long as it is not open. */
  readonly pruning: Pruning | null;
  /** The settings of retention that are in force; null: there are none. */
  readonly retention: (() => Partial<Pick<Config, "retention" | "prune">>) | null;
}

/** Applies the policies of this registry to itself. */
export interface Pruning {
  /** As the API shows it. */
  status(): Readonly<Record<string, unknown>>;
  /**
   * Begins a run, or joins the one that goes on. `dryRun`: null: as configured. Throws READ_ONLY,
   * WRITES_STOPPED, PRUNE_REFUSED.
   */
  ask(wish: { readonly dryRun: boolean | null; readonly by: Who }): Promise<void>;
}
