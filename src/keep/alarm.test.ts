import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Alarm } from "./alarm.ts";
import type { Times } from "./schedule.ts";

const HOUR = 3_600_000;
const start = Date.parse("2026-05-01T12:00Z");

beforeEach(() => jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** An alarm on a clock that the test moves. */
function world(times: Times | null, last = start) {
  const clock = { now: start };
  const rung: number[] = [];
  const settings = { times };
  const alarm = new Alarm({
    times: () => settings.times,
    last,
    now: () => clock.now,
    ring: () => void rung.push(clock.now - start),
  });
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.now += 1000;
      jest.advanceTimersByTime(1000);
    }
  };
  return { alarm, clock, rung, settings, pass };
}

const hourly: Times = { every: HOUR, timeZone: "UTC" };

test("rings at each interval, and never after it was closed", () => {
  const { alarm, rung, pass } = world(hourly);
  alarm.start();
  pass(2 * HOUR + 60_000);
  expect(rung).toEqual([HOUR, 2 * HOUR]);
  alarm.close();
  pass(2 * HOUR);
  expect(rung).toHaveLength(2);
});

test("rings at once for what was missed while nobody was there, and only once", () => {
  const { alarm, rung, pass } = world(
    { schedule: "0 3 * * *", timeZone: "UTC" },
    start - 90 * HOUR,
  );
  alarm.start();
  expect(rung).toEqual([0]);
  pass(HOUR);
  expect(rung).toHaveLength(1);
});

test("counts from a run that somebody else asked for", () => {
  const { alarm, clock, rung, pass } = world(hourly);
  alarm.start();
  pass(HOUR / 2);
  alarm.began(clock.now);
  pass(HOUR - 60_000);
  expect(rung).toEqual([]);
  pass(120_000);
  expect(rung).toEqual([1.5 * HOUR]);
});

test("notices a machine that slept, and a clock that was put back", () => {
  const { alarm, clock, rung, pass } = world(hourly);
  alarm.start();
  clock.now += 5 * HOUR;
  pass(60_000);
  expect(rung).toHaveLength(1);
  clock.now -= 48 * HOUR;
  pass(HOUR + 60_000);
  expect(rung).toHaveLength(2);
});

test("goes by times that have changed", () => {
  const { alarm, rung, settings, pass } = world(null);
  alarm.start();
  pass(HOUR);
  settings.times = { every: 2 * HOUR, timeZone: "UTC" };
  alarm.changed();
  expect(alarm.nextAt).toBe(start + 2 * HOUR);
  pass(HOUR);
  expect(rung).toEqual([2 * HOUR]);
});
