import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keeper } from "./keeper.ts";
import type { EndedRun, KeeperSettings } from "./keeper-status.ts";
import { type KeepState, openKeepState } from "./state.ts";
import type { StopSignals, WorkDone } from "./work.ts";

const START = Date.parse("2026-05-01T12:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const daily: KeeperSettings = {
  prune: { every: 24 * HOUR, timeZone: "UTC", atStart: false },
  collect: { timeZone: "UTC", atStart: false, afterDeletes: MINUTE, afterPrune: true },
};

let folder: string;
const clock = { now: START };
const open: KeepState[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wharf-test-"));
  clock.now = START;
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
  for (const state of open.splice(0)) state.close();
  rmSync(folder, { recursive: true });
});

const nothing: WorkDone = {
  outcome: "done",
  reason: null,
  tags: 0,
  manifests: 0,
  bytes: 0,
  kept: 0,
  document: null,
};

/** A keeper whose work goes on until the test says what became of it. */
function world(settings: KeeperSettings = daily) {
  const state = openKeepState(folder);
  open.push(state);
  const begun: string[] = [];
  const ended: EndedRun[] = [];
  const running: { finish: (done: Partial<WorkDone> | Error) => void; signals: StopSignals }[] = [];
  const work = (kind: string) => async (signals: StopSignals) => {
    begun.push(`${kind} at ${(clock.now - START) / MINUTE}`);
    const { promise, resolve, reject } = Promise.withResolvers<WorkDone>();
    const finish = (done: Partial<WorkDone> | Error): void =>
      done instanceof Error ? reject(done) : resolve({ ...nothing, ...done });
    running.push({ finish, signals });
    return await promise;
  };
  const inForce = { settings };
  const keeper = new Keeper({
    registry: "hub",
    settings: () => inForce.settings,
    work: () => ({ prune: work("prune"), collect: work("collect") }),
    jobs: state.jobs,
    events: { asked() {}, began() {}, ended: (run) => void ended.push(run), trouble: fail },
    now: () => clock.now,
  });
  const end = async (done: Partial<WorkDone> | Error = {}): Promise<void> => {
    running.shift()?.finish(done);
    await settle();
  };
  return { keeper, state, begun, ended, running, inForce, end };
}

function fail(_: string, error: unknown): void {
  throw error;
}

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    clock.now += 10_000;
    jest.advanceTimersByTime(10_000);
    await settle();
  }
}

describe("a keeper", () => {
  test("does what its schedule says, and collects when something was removed", async () => {
    const { keeper, begun, ended, end } = world();
    keeper.start();
    await pass(24 * HOUR);
    expect(begun).toEqual(["prune at 1440"]);
    await end({ tags: 3 });
    expect(begun).toEqual(["prune at 1440", "collect at 1440"]);
    await end();
    expect(ended.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      "prune done",
      "collect done",
    ]);
    await pass(24 * HOUR);
    await end();
    expect(begun.at(-1)).toBe("prune at 2880");
    await keeper.stop();
  });

  test("does one thing at a time, and says who joins and who waits", async () => {
    const { keeper, begun, end } = world();
    keeper.start();
    expect(keeper.ask("collect", "asked")).toBe("begins");
    await settle();
    expect(keeper.ask("collect", "asked")).toBe("joins");
    expect(keeper.ask("prune", "asked")).toBe("waits");
    expect(keeper.ask("prune", "asked")).toBe("joins");
    expect(keeper.status()).toMatchObject({ running: { kind: "collect" }, waiting: ["prune"] });
    await end();
    await end();
    expect(begun).toEqual(["collect at 0", "prune at 0"]);
    expect(keeper.status()).toMatchObject({ running: null, waiting: [] });
    await keeper.stop();
  });

  test("collects a while after the last delete, and again after one that came meanwhile", async () => {
    const { keeper, begun, end } = world();
    keeper.start();
    keeper.deleted();
    await pass(MINUTE / 2);
    keeper.deleted();
    await pass(MINUTE / 2);
    expect(begun).toEqual([]);
    await pass(MINUTE / 2);
    expect(begun).toEqual(["collect at 1.5"]);
    keeper.deleted();
    await pass(5 * MINUTE);
    expect(begun).toHaveLength(1);
    await end();
    expect(begun).toHaveLength(2);
    await end();
    await pass(HOUR);
    expect(begun).toHaveLength(2);
    await keeper.stop();
  });

  test("does not collect once more for what its own pruning has deleted", async () => {
    const { keeper, begun, end } = world();
    keeper.start();
    keeper.ask("prune", "asked");
    await settle();
    keeper.deleted();
    await end({ tags: 1 });
    await end();
    await pass(HOUR);
    expect(begun).toEqual(["prune at 0", "collect at 0"]);
    await keeper.stop();
  });

  test("tries again what failed, later each time, and not for ever", async () => {
    const { keeper, begun, end } = world();
    keeper.start();
    keeper.ask("collect", "asked");
    await settle();
    for (let attempt = 0; attempt < 10; attempt++) {
      await end(new Error("the registry is away"));
      await pass(HOUR);
    }
    expect(begun).toHaveLength(6);
    await keeper.stop();
  });

  test("does at its start what it should have done while it was not there", async () => {
    const first = world();
    first.keeper.start();
    await pass(24 * HOUR);
    await first.end();
    await first.keeper.stop();
    clock.now += 72 * HOUR;

    const second = world();
    second.keeper.start();
    await settle();
    expect(second.begun).toHaveLength(1);
    await second.end();
    await pass(HOUR);
    expect(second.begun).toHaveLength(1);
    await second.keeper.stop();
  });

  test("goes on after a restart with what was cut off, and with deletes that it was told of", async () => {
    const first = world();
    first.keeper.start();
    first.keeper.ask("prune", "asked");
    await settle();
    first.keeper.deleted();
    // Killed: nothing is finished and nobody is told.
    first.state.close();
    void first.keeper.stop();

    const second = world();
    second.keeper.start();
    await settle();
    expect(second.begun).toEqual(["prune at 0"]);
    await second.end();
    await pass(2 * MINUTE);
    expect(second.begun.map((line) => line.split(" ")[0])).toEqual(["prune", "collect"]);
    await second.end();
    await second.keeper.stop();
  });

  test("does not forget over a crash what it would try again", async () => {
    const first = world();
    first.keeper.start();
    first.keeper.ask("prune", "request");
    await settle();
    await first.end(new Error("the registry is not there"));
    expect(first.state.jobs.wishes("hub").map(({ kind }) => kind)).toEqual(["prune"]);
    await first.keeper.stop();

    const second = world();
    second.keeper.start();
    await settle();
    expect(second.begun).toEqual(["prune at 0"]);
    for (let tries = 0; tries < 6; tries++) {
      await second.end(new Error("the registry is not there"));
      await pass(17 * MINUTE);
    }
    expect(second.begun).toHaveLength(6);
    expect(second.state.jobs.wishes("hub")).toEqual([]);
    await second.keeper.stop();
  });

  test("collects after a restart for a pruning that was stopped when it had removed something", async () => {
    const first = world();
    first.keeper.start();
    first.keeper.ask("prune", "request");
    await settle();
    const stopped = first.keeper.stop();
    await first.end({ outcome: "stopped", tags: 3 });
    await stopped;

    const second = world();
    second.keeper.start();
    await settle();
    await second.end();
    await second.end();
    expect(second.begun).toEqual(["prune at 0", "collect at 0"]);
    await second.keeper.stop();
  });

  test("stops at a safe point, begins nothing more, and goes on there after a restart", async () => {
    const first = world();
    first.keeper.start();
    first.keeper.ask("prune", "asked");
    first.keeper.ask("collect", "asked");
    await settle();
    const [run] = first.running;
    let stopped = false;
    const stopping = first.keeper.stop().then(() => (stopped = true));
    await settle();
    expect(run?.signals.asked.aborted).toBe(true);
    expect(run?.signals.hard.aborted).toBe(false);
    expect(stopped).toBe(false);
    void first.keeper.stop(true);
    expect(run?.signals.hard.aborted).toBe(true);
    await first.end({ outcome: "stopped" });
    await stopping;
    expect(first.begun).toHaveLength(1);

    const second = world();
    second.keeper.start();
    await settle();
    await second.end();
    await second.end();
    expect(second.begun).toEqual(["prune at 0", "collect at 0"]);
    await second.keeper.stop();
  });

  test("begins at its start if it shall, and collects nothing where nothing collects", async () => {
    const { keeper, begun, end } = world({
      prune: { timeZone: "UTC", atStart: true },
      collect: null,
    });
    keeper.start();
    await settle();
    await end({ tags: 5 });
    expect(begun).toEqual(["prune at 0"]);
    expect(keeper.ask("collect", "asked")).toBeNull();
    keeper.deleted();
    await pass(HOUR);
    expect(begun).toHaveLength(1);
    await keeper.stop();
  });

  test("goes by settings that have changed", async () => {
    const { keeper, begun, inForce, end } = world({ prune: null, collect: null });
    keeper.start();
    await pass(HOUR);
    inForce.settings = {
      prune: { every: 2 * HOUR, timeZone: "UTC", atStart: false },
      collect: null,
    };
    keeper.changed();
    await pass(HOUR);
    expect(begun).toEqual(["prune at 120"]);
    await end();
    await keeper.stop();
  });
});
