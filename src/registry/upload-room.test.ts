import { expect, test } from "bun:test";
import { leastMissed } from "./upload-room.ts";

const HOUR = 3600 * 1000;
const NOW = 100 * HOUR;
const session = (id: string, offset: number, age: number, busy = false) => ({
  id,
  offset,
  touchedAt: NOW - age,
  busy: busy ? Promise.resolve() : null,
});
const given = (...sessions: ReturnType<typeof session>[]) => leastMissed(sessions, NOW)?.id ?? null;

test("an upload without a byte is given up before one that has some, the oldest first", () => {
  expect(
    given(
      session("bytes", 10, 90 * HOUR),
      session("empty", 0, 20_000),
      session("older", 0, 30_000),
      session("busy", 0, 90_000, true),
    ),
  ).toBe("older");
});

test("one with bytes is given up only when its client had an hour to come back", () => {
  expect(given(session("a", 10, HOUR - 1))).toBeNull();
  expect(given(session("a", 10, HOUR), session("b", 10, 2 * HOUR))).toBe("b");
});

test("none is given up that may still be in use", () => {
  expect(given()).toBeNull();
  expect(given(session("fresh", 0, 9000), session("busy", 0, HOUR, true))).toBeNull();
});
