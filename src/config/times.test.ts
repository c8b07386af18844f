import { describe, expect, test } from "bun:test";
import { loadConfig } from "./load.ts";

/** What is said to settings of `gc`, as a start says it. */
function said(gc: Readonly<Record<string, string>>): string | null {
  const flags = Object.fromEntries(Object.entries(gc).map(([key, value]) => [`gc.${key}`, value]));
  try {
    loadConfig({ file: null, environment: {}, flags });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("the times of collections", () => {
  for (const schedule of ["0 3 * * *", "*/10 * * * *", "0 4 * * SUN", "30 0 3 * * *", "@daily x"]) {
    const valid = !schedule.startsWith("@");
    test(`the schedule ${schedule} is ${valid ? "taken" : "refused"}`, () => {
      if (valid) expect(said({ schedule })).toBeNull();
      else expect(said({ schedule })).toContain("gc.schedule: ");
    });
  }

  for (const schedule of ["often", "61 * * * *", "0 3 * *", "2026-12-01T00:00:00Z", "0 0 30 2 *"]) {
    test(`the schedule ${schedule} stops a start, with its place`, () => {
      expect(said({ schedule })).toContain(`gc.schedule: ${JSON.stringify(schedule)}`);
    });
  }

  for (const window of ["22-6", "25:00-06:00", "22:60-06:00", "03:00-03:00", "03:00-24:30"]) {
    test(`the window ${window} stops a start, with its place`, () => {
      expect(said({ window })).toContain(`gc.window: ${JSON.stringify(window)}`);
    });
  }

  test("a time zone that nobody knows stops a start, with its place", () => {
    expect(said({ timeZone: "Europe/Nowhere" })).toContain('gc.timeZone: "Europe/Nowhere"');
    expect(said({ timeZone: "Europe/Berlin", window: "22:00-06:00" })).toBeNull();
  });
});
