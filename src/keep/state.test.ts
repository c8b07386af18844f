import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../test/support/folder.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { STATE_FILE, openKeepState } from "./state.ts";
import { Times } from "./state-times.ts";

const NOON = Date.parse("2026-05-01T12:00Z");
const HOUR = 3_600_000;
const app = parseName("team/app");
const [v1, v2] = [parseTag("v1"), parseTag("v2")];
const digest = (text: string): Digest => digestOf(new TextEncoder().encode(text));
const [one, two] = [digest("one"), digest("two")];

let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

async function stateFolder(): Promise<string> {
  return stack.use(await temporaryFolder()).path;
}

describe("times of tags", () => {
  test("are those of the first sight, and begin anew when a tag moves", async () => {
    const state = openKeepState(await stateFolder());
    const times = state.timesOf("hub");

    expect(await times.pushed(app, [{ tag: v1, digest: one }], NOON)).toEqual(
      new Map([[v1, NOON]]),
    );
    const later = [
      { tag: v1, digest: one },
      { tag: v2, digest: one },
    ];
    expect(await times.pushed(app, later, NOON + HOUR)).toEqual(
      new Map([
        [v1, NOON],
        [v2, NOON + HOUR],
      ]),
    );
    const moved = await times.pushed(app, [{ tag: v1, digest: two }], NOON + 2 * HOUR);
    expect(moved.get(v1)).toBe(NOON + 2 * HOUR);
    state.close();
  });

  test("are those of a push that was told, also of an unchanged digest", async () => {
    const state = openKeepState(await stateFolder());
    const push = { registry: "hub", repository: app, tag: v1, digest: one };
    state.times.tellPushes([{ ...push, at: NOON }]);
    const times = state.timesOf("hub");
    expect(await times.pushed(app, [{ tag: v1, digest: one }], NOON + HOUR)).toEqual(
      new Map([[v1, NOON]]),
    );
    state.times.tellPushes([{ ...push, at: NOON + 2 * HOUR }]);
    state.times.tellPushes([{ ...push, at: NOON - 100 * HOUR }]);
    expect(await times.pushed(app, [{ tag: v1, digest: one }], NOON + 3 * HOUR)).toEqual(
      new Map([[v1, NOON + 2 * HOUR]]),
    );
    state.close();
  });

  test("are of one registry and repository each, and survive a restart", async () => {
    const folder = await stateFolder();
    const first = openKeepState(folder);
    await first.timesOf("a").pushed(app, [{ tag: v1, digest: one }], NOON);
    first.listening.heard("a", true, NOON);
    first.times.tellPulls([{ registry: "a", repository: app, digest: one, at: NOON }]);
    first.close();

    const second = openKeepState(folder);
    const listed = [{ tag: v1, digest: one }];
    expect((await second.timesOf("a").pushed(app, listed, NOON + HOUR)).get(v1)).toBe(NOON);
    expect((await second.timesOf("b").pushed(app, listed, NOON + HOUR)).get(v1)).toBe(NOON + HOUR);
    expect(await second.timesOf("a").pulled(app, [one, two], NOON)).toEqual(new Map([[one, NOON]]));
    second.close();
  });

  test("of a tag that was removed are forgotten, not those of one that was just told", async () => {
    const state = openKeepState(await stateFolder());
    const times = state.timesOf("hub");
    await times.pushed(app, [{ tag: v1, digest: one }], NOON);
    state.times.tellPushes([
      { registry: "hub", repository: app, tag: v2, digest: one, at: NOON + 1 },
    ]);
    await times.pushed(app, [], NOON + HOUR);

    const again = [
      { tag: v1, digest: one },
      { tag: v2, digest: one },
    ];
    expect(await times.pushed(app, again, NOON + 2 * HOUR)).toEqual(
      new Map([
        [v1, NOON + 2 * HOUR],
        [v2, NOON + 1],
      ]),
    );
    state.close();
  });

  test("that lie in the future do not keep a tag until then", async () => {
    const state = openKeepState(await stateFolder());
    const times = state.timesOf("hub");
    await times.pushed(app, [{ tag: v1, digest: one }], NOON + 1000 * HOUR);
    expect((await times.pushed(app, [{ tag: v1, digest: one }], NOON)).get(v1)).toBe(NOON);
    state.close();
  });
});

describe("a clock that is set back", () => {
  const listed = [{ tag: v1, digest: one }];
  const both = [...listed, { tag: v2, digest: two }];
  const YEARS = 11 * 365 * 24 * HOUR;

  test("makes nothing old for good: neither what was known, nor what is first seen then", async () => {
    const folder = await stateFolder();
    const first = openKeepState(folder);
    await first.timesOf("hub").pushed(app, listed, NOON);
    first.close();
    const wrong = openKeepState(folder);
    await wrong.timesOf("hub").pushed(app, both, NOON - YEARS);
    await wrong.timesOf("hub").pushed(parseName("other"), both, NOON - YEARS);
    wrong.close();

    const right = openKeepState(folder);
    const times = right.timesOf("hub");
    expect(await times.pushed(app, both, NOON + HOUR)).toEqual(
      new Map([
        [v1, NOON],
        [v2, NOON + HOUR],
      ]),
    );
    expect((await times.pushed(parseName("other"), both, NOON + HOUR)).get(v1)).toBe(NOON + HOUR);
    right.close();
  });

  test("because it was ahead before is believed after a week", async () => {
    const state = openKeepState(await stateFolder());
    const times = state.timesOf("hub");
    await times.pushed(app, listed, NOON + YEARS);
    const DAYS = 24 * HOUR;
    for (let day = 0; day < 7; day++) {
      const at = NOON + day * DAYS;
      expect((await times.pushed(app, listed, at)).get(v1)).toBe(at);
    }
    await times.pushed(app, both, NOON + 7 * DAYS);

    expect(await times.pushed(app, both, NOON + 9 * DAYS)).toEqual(
      new Map([
        [v1, NOON + 7 * DAYS],
        [v2, NOON + 7 * DAYS],
      ]),
    );
    state.close();
  });
});

test("what strangers tell takes no more than so much room, and none from what is known", async () => {
  const folder = await stateFolder();
  openKeepState(folder).close();
  const db = new Database(join(folder, STATE_FILE), { strict: true });
  const times = new Times(db, { most: 100 });
  times.list("hub", app, [{ tag: v1, digest: one }], NOON);
  times.tellPulls([{ registry: "hub", repository: app, digest: one, at: NOON }]);
  times.pulled("hub", app, [one], NOON);
  for (let round = 0; round < 30; round++) {
    const told = Array.from({ length: 20 }, (_, index) => ({
      registry: "hub",
      repository: parseName(`stranger/${round}-${index}`),
      tag: v1,
      digest: digest(`${round} ${index}`),
      at: NOON + HOUR + round,
    }));
    times.tellPushes(told);
    times.tellPulls(told);
    times.flush();
  }
  for (const table of ["tags", "pulls"]) {
    const { rows } = db.query(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number };
    expect(rows).toBeLessThanOrEqual(101);
  }
  expect(times.dropped).toBeGreaterThan(900);
  expect(times.list("hub", app, [{ tag: v1, digest: one }], NOON + HOUR).get(v1)).toBe(NOON);
  expect(times.pulled("hub", app, [one], NOON + HOUR).get(one)).toBe(NOON);
  db.close();
});

describe("runs and wishes", () => {
  test("that were cut off are still wished for after a restart", async () => {
    const folder = await stateFolder();
    const first = openKeepState(folder);
    first.jobs.wish("hub", "deletes", NOON);
    first.jobs.wish("hub", "deletes", NOON + 5);
    first.jobs.began("hub", "prune", NOON + 10);
    first.close();

    const second = openKeepState(folder);
    expect(second.jobs.wishes("hub")).toEqual([
      { kind: "deletes", firstAt: NOON, lastAt: NOON + 5 },
      { kind: "prune", firstAt: NOON + 10, lastAt: NOON + 10 },
    ]);
    expect(second.jobs.past("hub", "prune", NOON + HOUR)).toMatchObject({
      beganAt: NOON + 10,
      endedAt: null,
    });
    second.close();
  });

  test("that ended are not, but those that stopped before their end", async () => {
    const state = openKeepState(await stateFolder());
    const { jobs } = state;
    const end = { at: NOON + 1, result: { tags: 3 } };
    jobs.wish("hub", "deletes", NOON);
    jobs.began("hub", "collect", NOON);
    expect(jobs.wishes("hub").map(({ kind }) => kind)).toEqual(["collect"]);
    jobs.ended("hub", "collect", { ...end, outcome: "stopped", good: false, open: true });
    expect(jobs.wishes("hub")).toHaveLength(1);
    expect(jobs.past("hub", "collect", NOON).succeededAt).toBeNull();
    jobs.ended("hub", "collect", { ...end, outcome: "done", good: true, open: false });
    expect(jobs.wishes("hub")).toEqual([]);
    expect(jobs.past("hub", "collect", NOON)).toMatchObject({
      succeededAt: NOON + 1,
      outcome: "done",
      result: { tags: 3 },
    });
    state.close();
  });
});

describe("a state file is refused, and left as it is,", () => {
  const refused = async (folder: string, says: RegExp): Promise<void> => {
    const path = join(folder, STATE_FILE);
    const before = readFileSync(path);
    expect(() => openKeepState(folder)).toThrow(says);
    expect(readFileSync(path).equals(before)).toBe(true);
  };

  test("when it is no database", async () => {
    const folder = await stateFolder();
    writeFileSync(join(folder, STATE_FILE), "not a database, but longer than nothing".repeat(100));
    await refused(folder, /cannot be used: .*wharf-keep\.sqlite/);
  });

  test("when it is damaged in the middle", async () => {
    const folder = await stateFolder();
    const state = openKeepState(folder);
    const tags = Array.from({ length: 5000 }, (_, index) => ({
      tag: parseTag(`v${index}`),
      digest: digest(String(index)),
    }));
    await state.timesOf("hub").pushed(app, tags, NOON);
    state.close();
    const path = join(folder, STATE_FILE);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 8192, bytes.length - 8192));
    await refused(folder, /cannot be used/);
  });

  test("when it was cut off", async () => {
    const folder = await stateFolder();
    openKeepState(folder).close();
    const path = join(folder, STATE_FILE);
    writeFileSync(path, readFileSync(path).subarray(0, 5000));
    await refused(folder, /cannot be used/);
  });

  test("when a newer version or another program has written it", async () => {
    for (const [pragma, says] of [
      ["user_version = 99", /it has version 99, this program knows 2/],
      ["application_id = 1", /it belongs to another program/],
    ] as const) {
      const folder = await stateFolder();
      openKeepState(folder).close();
      const db = new Database(join(folder, STATE_FILE));
      db.run(`PRAGMA ${pragma}`);
      db.run("PRAGMA journal_mode = DELETE");
      db.close();
      await refused(folder, says);
    }
  });
});

test("two processes may have the state open", async () => {
  const folder = await stateFolder();
  const keep = openKeepState(folder);
  const prune = openKeepState(folder);
  await prune.timesOf("hub").pushed(app, [{ tag: v1, digest: one }], NOON);
  const seen = await keep.timesOf("hub").pushed(app, [{ tag: v1, digest: one }], NOON + HOUR);
  expect(seen.get(v1)).toBe(NOON);
  prune.close();
  keep.close();
});
