import type { Collector } from "../gc/collector.ts";
import type { Health } from "../observe/health.ts";
import type { Metrics } from "../observe/metrics.ts";

/** What those who run the registry ask it about itself. */
export interface Operations {
  readonly health: Health;
  readonly metrics: Metrics;
  /** Null: as long as the registry is not open. */
  readonly collector: Collector | null;
}
