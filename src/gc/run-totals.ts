import type { PastRun, RunReport } from "./run-report.ts";

/** What collections have done since the start, for whoever watches. */
export class Totals {
  /** By outcome. */
  readonly runs = { done: 0, stopped: 0, failed: 0 };
  readonly removed = { manifests: 0, links: 0, repositories: 0, blobs: 0, uploads: 0 };
  /** That were moved into the trash. */
  bytes = 0;
  last: PastRun | null = null;

  add(run: PastRun): void {
    const outcome: PastRun["outcome"] = run.outcome;
    if (outcome === "done" || outcome === "stopped" || outcome === "failed") this.runs[outcome]++;
    for (const kind of Object.keys(this.removed) as (keyof Totals["removed"] & keyof RunReport)[]) {
      this.removed[kind] += run[kind];
    }
    this.bytes += run.bytes;
    this.last = run;
  }
}
