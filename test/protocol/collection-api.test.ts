import { describe, expect, test } from "bun:test";
import { image } from "../support/image.ts";
import { type TestRegistry, sharedRegistry, startRegistry } from "./support/registry.ts";

const registry = sharedRegistry();

const status = async (of: TestRegistry = registry): Promise<Record<string, unknown>> =>
  JSON.parse((await of.ask("GET", "/api/v1/gc")).text) as Record<string, unknown>;

const ended = async (of: TestRegistry): Promise<void> => {
  while ((await status(of))["state"] !== "idle") await Bun.sleep(5);
};

describe("POST /api/v1/gc", () => {
  const refused: readonly (readonly [string, string])[] = [
    ["what is no JSON", "yes"],
    ["a list", "[]"],
    ["a key that is not known", '{"force":true}'],
    ["a key that stands twice", '{"walk":true,"walk":false}'],
    ["a yes that is a word", '{"consent":"yes"}'],
    ["more than a wish can be", JSON.stringify({ consent: true, x: "y".repeat(5000) })],
  ];
  for (const [what, body] of refused) {
    test(`refuses ${what}, and begins nothing`, async () => {
      const answer = await registry.ask("POST", "/api/v1/gc", { body });

      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text).errors[0].message).toContain("the body");
      expect((await status())["state"]).toBe("idle");
    });
  }

  test("waits in a registry that was started less than the grace ago, and says so", async () => {
    await using young = await startRegistry();
    await young.opened.collecting.compared;
    const answer = await young.ask("POST", "/api/v1/gc");

    expect(answer.status).toBe(202);
    const said = JSON.parse(answer.text);
    expect(said).toMatchObject({ schemaVersion: 1, state: "waiting", run: null });
    expect(said.obstacle.reason).toContain("less than the grace ago");
    expect(said.obstacle.endsIn).toBeGreaterThan(3_500_000);
    expect(said.obstacle.endsIn).toBeLessThanOrEqual(3_600_000);
  });

  test("collects at any hour, also where nothing is collected by itself", async () => {
    const hour = new Date().getUTCHours();
    const window = `${(hour + 2) % 24}:00-${(hour + 3) % 24}:00`;
    await using closed = await startRegistry({ grace: 1, collecting: { enabled: false, window } });
    await image({ size: 40_000 }).push(closed.url, "app");
    await Bun.sleep(5);

    expect((await closed.ask("POST", "/api/v1/gc", { body: '{"walk":false}' })).status).toBe(202);
    await ended(closed);
    expect(await status(closed)).toMatchObject({ runs: [{ outcome: "done", manifests: 1 }] });
  });
});

describe("a collection by itself", () => {
  test("begins when something is due, and leaves no trace when nothing is", async () => {
    await using open = await startRegistry({ grace: 1000, collecting: { enabled: true } });
    await image({ size: 40_000 }).push(open.url, "app", "1");
    await Bun.sleep(600);
    expect((await status(open))["runs"]).toEqual([]);

    await open.ask("DELETE", "/v2/app/manifests/1");
    while (((await status(open))["runs"] as object[]).length === 0) await Bun.sleep(20);
    const [run] = (await status(open))["runs"] as object[];
    expect(run).toMatchObject({ asked: false, outcome: "done", manifests: 1 });
  });

  test("does not begin outside of its window", async () => {
    const hour = new Date().getUTCHours();
    const window = `${(hour + 2) % 24}:00-${(hour + 3) % 24}:00`;
    await using closed = await startRegistry({ grace: 1, collecting: { enabled: true, window } });
    await image({ size: 40_000 }).push(closed.url, "app");
    await Bun.sleep(300);

    expect((await status(closed))["runs"]).toEqual([]);
    expect(((await status(closed))["obstacle"] as { reason: string }).reason).toContain(
      "gc.window",
    );
  });

  test("waits for its schedule", async () => {
    const collecting = { enabled: true, schedule: "0 3 * * *" };
    let now = Date.parse("2026-05-01T02:00:00Z");
    await using timed = await startRegistry({ grace: 1, now: () => now, collecting });
    await image({ size: 40_000 }).push(timed.url, "app");
    now += 1000;
    await Bun.sleep(300);

    expect((await status(timed))["runs"]).toEqual([]);
    expect((await status(timed))["nextAt"]).toBe(Date.parse("2026-05-01T03:00:00Z"));
  });
});
