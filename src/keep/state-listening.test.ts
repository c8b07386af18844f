import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { type KeepState, openKeepState } from "./state.ts";

const NOON = Date.parse("2026-05-01T12:00Z");
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const app = parseName("team/app");
const [one, two] = ["one", "two"].map((text) => digestOf(new TextEncoder().encode(text)));

let folder: string;
let state: KeepState;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wharf-test-"));
  state = openKeepState(folder);
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true });
});

/** Somebody is there, every minute, from one time to the other. */
function listen(from: number, to: number): void {
  for (let at = from; at <= to; at += 10 * MINUTE) state.listening.beat(at);
  state.listening.beat(to);
}

test("all pulls are known since the first that was told of, and not since some other event", () => {
  const { listening } = state;
  listening.heard("hub", false, NOON);
  expect(listening.since("hub", NOON)).toBeNull();
  listening.heard("hub", true, NOON + MINUTE);
  expect(listening.since("hub", NOON + 2 * MINUTE)).toBe(NOON + MINUTE);
  expect(listening.since("other", NOON + 2 * MINUTE)).toBeNull();
});

test("the account begins anew when nobody listened for a while, and goes on after a short restart", () => {
  const { listening } = state;
  listening.heard("hub", true, NOON);
  listening.beat(NOON + 14 * MINUTE);
  expect(listening.since("hub", NOON + 14 * MINUTE)).toBe(NOON);
  expect(listening.since("hub", NOON + 40 * MINUTE)).toBeNull();
  listening.beat(NOON + 40 * MINUTE);
  expect(listening.since("hub", NOON + 40 * MINUTE)).toBe(NOON + 40 * MINUTE);
});

test("nobody knows any more when the registry has been silent for a week", () => {
  const { listening } = state;
  listening.heard("hub", true, NOON);
  listen(NOON, NOON + 8 * DAY);
  expect(listening.since("hub", NOON + 8 * DAY)).toBeNull();
  listening.heard("hub", false, NOON + 8 * DAY);
  expect(listening.since("hub", NOON + 8 * DAY)).toBe(NOON);
});

test("the account begins anew when pulls were forgotten, or the clock was put back", () => {
  const { listening } = state;
  listening.heard("hub", true, NOON);
  listening.lost(NOON + MINUTE);
  expect(listening.since("hub", NOON + MINUTE)).toBe(NOON + MINUTE);
  listening.beat(NOON - DAY);
  expect(listening.since("hub", NOON - DAY)).toBe(NOON - DAY);
});

test("a pull is told only while all are known, and never as earlier than the account began", async () => {
  const times = state.timesOf("hub");
  if (!one || !two) throw new Error("no digests");
  const pull = { registry: "hub", repository: app };
  state.times.tellPulls([{ ...pull, digest: one, at: NOON - 90 * DAY }]);
  expect(await times.pulled(app, [one, two], NOON)).toEqual(new Map());
  state.listening.heard("hub", true, NOON);
  state.times.tellPulls([{ ...pull, digest: two, at: NOON + MINUTE }]);
  expect(await times.pulled(app, [one, two], NOON + MINUTE)).toEqual(
    new Map([
      [one, NOON],
      [two, NOON + MINUTE],
    ]),
  );
  expect(await times.pullsSince(NOON + MINUTE)).toBe(NOON);
});
