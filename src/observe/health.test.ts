import { describe, expect, test } from "bun:test";
import { type Check, type Finding, Health, Impaired, Lasting } from "./health.ts";

function works(name = "one"): Check {
  return { name, run: () => Promise.resolve() };
}

/** A check that fails with these errors in turn, and works after the last. */
function failing(...errors: Error[]): Check & { runs: number } {
  const check = {
    name: "one",
    runs: 0,
    run() {
      const error = errors[check.runs++];
      return error ? Promise.reject(error) : Promise.resolve();
    },
  };
  return check;
}

function started(checks: readonly Check[], options = {}): Health {
  const health = new Health({ interval: 0, ...options });
  health.start(checks);
  return health;
}

const fault = (code: string) => Object.assign(new Error(`${code}: /a/path`), { code });

describe("health", () => {
  test("is unavailable before the start and from the stop on", async () => {
    const health = new Health();
    expect(health.started).toBe(false);
    expect((await health.ready()).status).toBe("unavailable");
    health.start([works()]);
    expect([health.started, (await health.ready()).status]).toEqual([true, "ok"]);
    health.stop();
    const { status, findings } = await health.ready();
    expect([health.started, status, findings[0]?.reason]).toEqual([
      true,
      "unavailable",
      "stopping",
    ]);
  });

  test("says the code of a failure, or of what caused it, and never the message", async () => {
    const outer = new Error("outer", { cause: new Error("inner", { cause: fault("EIO") }) });
    const health = started([failing(fault("EACCES"), outer, new Error("a secret"))]);

    const reasons = [];
    for (let n = 0; n < 4; n++) reasons.push((await health.ready()).findings[0]?.reason);

    expect(reasons).toEqual(["EACCES", "EIO", "failed", null]);
  });

  test("is degraded when all that fails is impaired, and unavailable when anything else does", async () => {
    const impaired = () => failing(new Impaired("full", { cause: fault("ENOSPC") }));
    const broken = { ...works("two"), run: () => Promise.reject(fault("EIO")) };

    const degraded = await started([impaired(), works("two")]).ready();
    const unavailable = await started([impaired(), broken]).ready();

    expect([degraded.status, degraded.findings[0]?.reason]).toEqual(["degraded", "ENOSPC"]);
    expect(unavailable.status).toBe("unavailable");
  });

  test("never comes back from a lasting failure, and does not ask again", async () => {
    const check = failing(new Lasting("a sync failed", { cause: fault("EIO") }));
    const health = started([check]);

    for (let n = 0; n < 3; n++) {
      const { status, findings } = await health.ready();
      expect([status, findings[0]?.reason]).toEqual(["unavailable", "EIO, until a restart"]);
    }
    expect(check.runs).toBe(1);
  });

  test("is looked at once for all who ask within the interval", async () => {
    const check = failing();
    const health = started([check], { interval: 60_000 });

    await Promise.all(Array.from({ length: 100 }, () => health.ready()));
    await health.ready();

    expect(check.runs).toBe(1);
  });

  test("fails when a check hangs, which is not begun a second time before it has ended", async () => {
    const hanging = Promise.withResolvers<void>();
    let runs = 0;
    const check = { name: "one", run: () => (runs++ === 0 ? hanging.promise : Promise.resolve()) };
    const health = started([check], { patience: 10 });

    const first = await health.ready();
    const second = await health.ready();
    expect([first.findings[0]?.reason, second.findings[0]?.reason]).toEqual([
      "no answer in 10 ms",
      "no answer in 10 ms",
    ]);
    expect(runs).toBe(1);
    hanging.resolve();
    await Bun.sleep(0);

    expect([(await health.ready()).status, runs]).toEqual(["ok", 2]);
  });

  test("tells of changes, not of states", async () => {
    const told: (string | null)[] = [];
    const changed = ({ reason }: Finding) => void told.push(reason);
    const health = started([failing(fault("EIO"), fault("EIO"), fault("EROFS"))], { changed });

    for (let n = 0; n < 5; n++) await health.ready();

    expect(told).toEqual(["EIO", "EROFS", null]);
  });
});
