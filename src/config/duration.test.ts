import { describe, expect, test } from "bun:test";
import { parseGoDuration } from "./duration.ts";

describe("a duration in Go's notation", () => {
  test.each([
    ["500ms", 500],
    ["1m30s", 90_000],
    ["168h", 604_800_000],
    ["1.5s", 1500],
    [".5s", 500],
    ["1.s", 1000],
    ["0s", 0],
    ["0", 0],
    ["1h0m0.25s", 3_600_250],
    ["1500us", 1.5],
    ["1500µs", 1.5],
    ["2000000ns", 2],
  ])("%s is %d milliseconds", (text, milliseconds) => {
    expect(parseGoDuration(text)).toBeCloseTo(milliseconds, 9);
  });

  test("without a unit is nanoseconds", () => {
    expect(parseGoDuration("5000000000")).toBe(5000);
  });

  test.each(["", "s", "1d", "1w", "5 s", "-5s", "1s ", "1,5s", "abc", "1e3s", "1s2", "∞"])(
    "is not %p",
    (text) => {
      expect(parseGoDuration(text)).toBeNull();
    },
  );
});
