import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { dueAt } from "./schedule.ts";

const at = (text: string): number => Date.parse(text);

/** The next times, one after the other, as if each began when it was due. */
function times(schedule: string, timeZone: string, from: string, count: number): string[] {
  const found: string[] = [];
  let last = at(from);
  while (found.length < count) {
    const due = dueAt({ schedule, timeZone }, last);
    if (due === null) return found;
    found.push(new Date(due).toISOString().slice(0, 16));
    last = due;
  }
  return found;
}

describe("a schedule", () => {
  test("is in its time zone, also where clocks are put forward and back", () => {
    expect(times("0 3 * * *", "Europe/Berlin", "2026-03-27T12:00Z", 3)).toEqual([
      "2026-03-28T02:00",
      "2026-03-29T01:00",
      "2026-03-30T01:00",
    ]);
    expect(times("0 3 * * *", "Europe/Berlin", "2026-10-23T12:00Z", 3)).toEqual([
      "2026-10-24T01:00",
      "2026-10-25T02:00",
      "2026-10-26T02:00",
    ]);
  });

  test("that names an hour which is skipped comes once on that day", () => {
    expect(times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2)).toEqual([
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
  });

  test("that names an hour which comes twice comes once on that day", () => {
    expect(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2)).toEqual([
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
  });

  test("that comes every hour comes in both of those hours", () => {
    expect(times("15 * * * *", "Europe/Berlin", "2026-10-24T23:50Z", 3)).toEqual([
      "2026-10-25T00:15",
      "2026-10-25T01:15",
      "2026-10-25T02:15",
    ]);
  });

  test("that was missed several times is due once", () => {
    const schedule = { schedule: "0 3 * * *", timeZone: "UTC" };
    const missed = dueAt(schedule, at("2026-05-01T03:00Z"));
    expect(missed).toBe(at("2026-05-02T03:00Z"));
    const doneLate = at("2026-05-09T10:00Z");
    expect(dueAt(schedule, doneLate)).toBe(at("2026-05-10T03:00Z"));
  });
});

test("an interval counts from the last beginning, and the earlier of two reasons wins", () => {
  const every = 3_600_000;
  const noon = at("2026-05-01T12:00Z");
  expect(dueAt({ every, timeZone: "UTC" }, noon)).toBe(at("2026-05-01T13:00Z"));
  const both = { every, schedule: "30 * * * *", timeZone: "UTC" };
  expect(dueAt(both, noon)).toBe(at("2026-05-01T12:30Z"));
  expect(dueAt(both, at("2026-05-01T12:31Z"))).toBe(at("2026-05-01T13:30Z"));
});

test("without times it is never due", () => {
  expect(dueAt({ timeZone: "UTC" }, 0)).toBeNull();
});

test("it is always due after the last time", () => {
  const zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"];
  const schedules = ["*/7 * * * *", "30 2 * * *", "0 0 * * 0", "15 2 29 2 *"];
  fc.assert(
    fc.property(
      fc.integer({ min: at("2010-01-01T00:00Z"), max: at("2040-01-01T00:00Z") }),
      fc.constantFrom(...zones),
      fc.constantFrom(...schedules),
      (last, timeZone, schedule) => {
        const due = dueAt({ schedule, timeZone }, last);
        return due !== null && due > last;
      },
    ),
    { numRuns: 200 },
  );
});
