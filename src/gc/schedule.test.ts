import { describe, expect, test } from "bun:test";
import { inWindow, untilScheduled } from "./schedule.ts";

const at = (text: string): number => Date.parse(text);
const HOUR = 3600 * 1000;

describe("a schedule", () => {
  test("is that of its time zone, also on the day when the clock changes", () => {
    const times = { schedule: "0 3 * * *", timeZone: "Europe/Berlin" };

    expect(untilScheduled(times, at("2026-01-10T00:00:00Z"))).toBe(2 * HOUR);
    expect(untilScheduled(times, at("2026-03-29T00:00:00Z"))).toBe(HOUR);
  });

  test("is the next time, not the present one", () => {
    const times = { schedule: "0 3 * * *", timeZone: "UTC" };

    expect(untilScheduled(times, at("2026-01-10T03:00:00Z"))).toBe(24 * HOUR);
  });

  test("may be none", () => {
    expect(untilScheduled({ timeZone: "UTC" }, 0)).toBeNull();
  });
});

describe("a window", () => {
  const open = (window: string | undefined, time: string, timeZone = "UTC") =>
    inWindow({ window, timeZone }, at(`2026-06-10T${time}:00Z`));

  test("holds its first minute and not its last", () => {
    expect(open("02:00-04:00", "02:00")).toBe(true);
    expect(open("02:00-04:00", "03:59")).toBe(true);
    expect(open("02:00-04:00", "04:00")).toBe(false);
    expect(open("02:00-04:00", "01:59")).toBe(false);
  });

  test("may go over midnight", () => {
    expect(open("22:00-06:00", "23:30")).toBe(true);
    expect(open("22:00-06:00", "00:00")).toBe(true);
    expect(open("22:00-06:00", "06:00")).toBe(false);
    expect(open("22:00-24:00", "23:59")).toBe(true);
  });

  test("is that of its time zone", () => {
    expect(open("02:00-04:00", "01:00", "Europe/Berlin")).toBe(true);
    expect(open("02:00-04:00", "03:00", "Europe/Berlin")).toBe(false);
  });

  test("is always open when there is none", () => {
    expect(open(undefined, "12:00")).toBe(true);
  });
});
