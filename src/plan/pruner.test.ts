import { describe, expect, test } from "bun:test";
import { RegistryError } from "../oci/errors.ts";
import { Pruner, type PrunerOutcome, type PrunerRun, type RunHow, lastCounting } from "./pruner.ts";

const DONE: PrunerOutcome = {
  outcome: "done",
  reason: null,
  tags: 2,
  manifests: 1,
  bytes: { freed: 10, shared: 5 },
  kept: [],
};

function prunerOf(past: readonly PrunerRun[] = []) {
  const state = {
    hows: [] as RunHow[],
    remembered: [] as (readonly PrunerRun[])[],
    ended: [] as PrunerRun[],
    began: [] as number[],
    obstacle: null as RegistryError | null,
    dryRun: false,
    go: Promise.withResolvers<PrunerOutcome>(),
    time: 1000,
  };
  const pruner = new Pruner({
    async run(how) {
      state.hows.push(how);
      how.stop.addEventListener("abort", () => state.go.reject(how.stop.reason as Error));
      return await state.go.promise;
    },
    obstacle: () => state.obstacle,
    dryRun: () => state.dryRun,
    past,
    async remember(runs) {
      state.remembered.push(runs);
    },
    now: () => state.time++,
    began: (at) => void state.began.push(at),
    ended: (run) => void state.ended.push(run),
    failed: () => undefined,
  });
  return { pruner, state };
}

const SOMEBODY: RunHow["by"] = {
  at: 1,
  requestId: "1",
  actor: "ann",
  address: "127.0.0.1",
  host: "localhost",
  scheme: "http",
  method: "POST",
  agent: "curl",
};

describe("a run", () => {
  test("is one at a time: who asks meanwhile joins it", async () => {
    const { pruner, state } = prunerOf();
    pruner.ask({ dryRun: null, by: null });
    pruner.ask({ dryRun: true, by: SOMEBODY });
    await Bun.sleep(0);
    expect(state.hows.map(({ dryRun }) => dryRun)).toEqual([false]);
    expect(pruner.running).toMatchObject({ outcome: "running", asked: false, startedAt: 1000 });

    state.go.resolve(DONE);
    await pruner.idle();
    expect(pruner.running).toBeNull();
    expect(pruner.runs).toMatchObject([{ ...DONE, startedAt: 1000, endedAt: 1001 }]);
    expect(state.began).toEqual([1000]);
    expect(state.ended).toHaveLength(1);

    state.go = Promise.withResolvers();
    state.go.resolve(DONE);
    state.dryRun = true;
    pruner.ask({ dryRun: null, by: SOMEBODY });
    await pruner.idle();
    expect(pruner.runs.map(({ dryRun }) => dryRun)).toEqual([true, false]);
  });

  test("that only plans is followed by one that does what was asked for meanwhile", async () => {
    const { pruner, state } = prunerOf();
    state.go.resolve(DONE);
    pruner.ask({ dryRun: true, by: null });
    pruner.ask({ dryRun: false, by: SOMEBODY });
    pruner.ask({ dryRun: false, by: null });
    await pruner.idle();

    expect(state.hows.map(({ dryRun, by }) => [dryRun, by])).toEqual([
      [true, null],
      [false, SOMEBODY],
    ]);
  });

  test("that is seen to have ended takes nobody's wish along", async () => {
    const { pruner, state } = prunerOf();
    state.go.resolve(DONE);
    pruner.ask({ dryRun: false, by: null });
    while (pruner.running) await Promise.resolve();
    pruner.ask({ dryRun: false, by: SOMEBODY });
    await pruner.idle();

    expect(state.hows).toHaveLength(2);
  });

  test("moves no schedule when somebody only wants to look", async () => {
    const { pruner, state } = prunerOf();
    state.go.resolve(DONE);
    pruner.ask({ dryRun: true, by: SOMEBODY });
    await pruner.idle();
    expect(state.began).toEqual([]);
    pruner.ask({ dryRun: true, by: null });
    await pruner.idle();
    expect(state.began).toHaveLength(1);
  });

  test("that counts for the schedule is remembered, however many only look after it", async () => {
    const { pruner, state } = prunerOf();
    state.go.resolve(DONE);
    pruner.ask({ dryRun: null, by: null });
    await pruner.idle();
    for (let looks = 0; looks < 30; looks++) {
      pruner.ask({ dryRun: true, by: SOMEBODY });
      await pruner.idle();
    }

    expect(state.remembered.at(-1)).toHaveLength(20);
    expect(lastCounting(state.remembered.at(-1) ?? [])).toMatchObject({ startedAt: 1000 });
  });

  test("does not begin while something stands in its way", () => {
    const { pruner, state } = prunerOf();
    state.obstacle = new RegistryError("READ_ONLY");
    expect(() => pruner.ask({ dryRun: null, by: SOMEBODY })).toThrow(state.obstacle);
    expect(state.hows).toEqual([]);
  });

  test("that fails says why, and the next one may begin", async () => {
    const { pruner, state } = prunerOf();
    pruner.ask({ dryRun: null, by: SOMEBODY });
    state.go.reject(new Error("the disk is full"));
    await pruner.idle();
    expect(pruner.runs).toMatchObject([{ outcome: "failed", reason: "the disk is full" }]);
    state.go = Promise.withResolvers();
    pruner.ask({ dryRun: null, by: SOMEBODY });
    state.go.resolve(DONE);
    await pruner.idle();
    expect(pruner.runs.map(({ outcome }) => outcome)).toEqual(["done", "failed"]);
  });

  test("ends with the registry, and none begins after that", async () => {
    const { pruner, state } = prunerOf();
    pruner.ask({ dryRun: null, by: SOMEBODY });
    await Bun.sleep(0);
    await pruner.close();
    expect(pruner.runs).toMatchObject([{ outcome: "stopped", reason: "the registry stops" }]);
    pruner.ask({ dryRun: null, by: SOMEBODY });
    expect(state.hows).toHaveLength(1);
  });

  test("is remembered when it begins, so that one that a crash cuts off is known as such", async () => {
    const { pruner, state } = prunerOf();
    pruner.ask({ dryRun: null, by: SOMEBODY });
    await Bun.sleep(0);
    const { pruner: next } = prunerOf(state.remembered.at(-1));
    expect(next.runs).toMatchObject([{ outcome: "cut off", startedAt: 1000, endedAt: null }]);
    state.go.resolve(DONE);
    await pruner.idle();
    expect(state.remembered.at(-1)).toMatchObject([{ outcome: "done" }]);
  });

  test("is forgotten after twenty others", async () => {
    const { pruner, state } = prunerOf();
    state.go.resolve(DONE);
    for (let run = 0; run < 25; run++) {
      pruner.ask({ dryRun: null, by: SOMEBODY });
      await pruner.idle();
    }
    expect(pruner.runs).toHaveLength(20);
    expect(state.remembered.at(-1)).toHaveLength(20);
  });
});
