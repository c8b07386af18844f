import { expect, test } from "bun:test";
import { Registry } from "prom-client";
import { pruneMetrics } from "./prune-metrics.ts";

test("runs are counted by registry and by what became of them", async () => {
  const registry = new Registry();
  const count = pruneMetrics(registry);
  const run = { tags: 3, manifests: 2, freed: 1000, kept: 1, seconds: 2, endedAt: 5000 };

  count({ ...run, registry: "hub", outcome: "done" });
  count({ ...run, registry: "hub", outcome: "refused", kept: 4 });
  count({ ...run, registry: "other", outcome: "done" });

  const text = await registry.metrics();
  expect(text).toContain('wharf_prune_runs_total{registry="hub",outcome="done"} 1');
  expect(text).toContain('wharf_prune_removed_total{registry="hub",kind="tag"} 6');
  expect(text).toContain('wharf_prune_freed_bytes_total{registry="hub"} 2000');
  expect(text).toContain('wharf_prune_kept_repositories{registry="hub"} 4');
  expect(text).toContain(
    'wharf_prune_last_run_timestamp_seconds{registry="other",outcome="done"} 5',
  );
});
