import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createMetrics } from "./metrics.ts";

const ROUTE = { method: "GET", pattern: "/v2/{name}/tags/list" };

/** The series of one metric, as they are said. */
async function series(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split("\n");
  return lines.filter((line) => new RegExp(`^${name}(?:_bucket|_sum|_count)?[ {]`).test(line));
}

describe("metrics", () => {
  test("are all described in docs/operating.md, in their words and their order", async () => {
    const page = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
    const described = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.+) \|$/gm)].map(
      ([, name, type, help]) => ({ name, type, help }),
    );

    expect(described).toEqual(await createMetrics().describe());
  });

  test("add up requests, bytes and times by route", async () => {
    const metrics = createMetrics();
    const { http } = metrics;
    http.answered(ROUTE, "GET", 200, 0.5, 0, 10);
    http.answered(ROUTE, "GET", 200, 3, 0, 20);
    http.answered(ROUTE, "GET", 404, 70_000, 5, 0);

    const labels = 'route="/v2/{name}/tags/list",method="GET"';
    expect(await series(metrics, "wharf_http_requests_total")).toEqual([
      `wharf_http_requests_total{${labels},status="200"} 2`,
      `wharf_http_requests_total{${labels},status="404"} 1`,
    ]);
    expect(await series(metrics, "wharf_http_response_bytes_total")).toEqual([
      `wharf_http_response_bytes_total{${labels}} 30`,
    ]);
    expect(await series(metrics, "wharf_http_request_bytes_total")).toEqual([
      `wharf_http_request_bytes_total{${labels}} 5`,
    ]);
    const times = await series(metrics, "wharf_http_request_duration_seconds");
    const counts = times.map((line) => line.split(" ").at(-1));
    expect(counts).toEqual(["1", "2", "2", "2", "2", "2", "2", "2", "2", "3", "70.0035", "3"]);
    // To ask changes nothing.
    expect(await series(metrics, "wharf_http_request_duration_seconds")).toEqual(times);
  });

  test("have one place for requests of no route, whatever their methods are", async () => {
    const metrics = createMetrics();
    for (let n = 0; n < 1000; n++) metrics.http.answered(null, `METHOD${n}`, 404, 1, 0, 0);
    metrics.http.answered(null, "PUT", 404, 1, 0, 0);

    expect(await series(metrics, "wharf_http_requests_total")).toEqual([
      'wharf_http_requests_total{route="none",method="other",status="404"} 1000',
      'wharf_http_requests_total{route="none",method="PUT",status="404"} 1',
    ]);
  });

  test("that cannot be had are left out, and the others are there", async () => {
    const metrics = createMetrics();
    metrics.watch({
      disk: () => Promise.reject(new Error("EIO")),
      journal: async () => ({ entries: 3, seconds: 0.5 }),
      certificateExpiry: () => null,
      readOnly: () => true,
    });

    expect(await series(metrics, "wharf_disk_free_bytes")).toEqual([]);
    expect(await series(metrics, "wharf_journal_entries")).toEqual(["wharf_journal_entries 3"]);
    expect(await series(metrics, "wharf_tree_lag_seconds")).toEqual(["wharf_tree_lag_seconds 0.5"]);
    expect(await series(metrics, "wharf_tls_certificate_expiry_seconds")).toEqual([]);
    expect(await series(metrics, "wharf_read_only")).toEqual(["wharf_read_only 1"]);
  });

  test("say what an endpoint of notifications does, by its name", async () => {
    const metrics = createMetrics();
    const state = { name: 'a"b', pending: 2, delivered: 7, failed: 1, dropped: 0 };
    metrics.watch({ endpoints: async () => [state] });

    expect(await series(metrics, "wharf_notifications_pending")).toEqual([
      'wharf_notifications_pending{endpoint="a\\"b"} 2',
    ]);
    expect(await series(metrics, "wharf_notifications_delivered_total")).toEqual([
      'wharf_notifications_delivered_total{endpoint="a\\"b"} 7',
    ]);
  });

  test("of commits and reloads are counted as they come", async () => {
    const metrics = createMetrics();
    metrics.committed(3, 2);
    metrics.reloaded("refused");

    expect(await series(metrics, "wharf_commit_changes")).toContain("wharf_commit_changes_sum 3");
    expect(await series(metrics, "wharf_commit_duration_seconds")).toContain(
      'wharf_commit_duration_seconds_bucket{le="0.0025"} 1',
    );
    expect(await series(metrics, "wharf_reloads_total")).toEqual([
      'wharf_reloads_total{outcome="refused"} 1',
    ]);
  });

  test("of the process are those of this process", async () => {
    const text = await createMetrics().text();
    const value = (name: string): number =>
      Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);

    expect(value("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(Math.abs(value("process_start_time_seconds") - Date.now() / 1000)).toBeLessThan(36_000);
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  });
});
