import { describe, expect, test } from "bun:test";
import { type VersionRange, parseVersionRange } from "./version-range.ts";
import { parseVersion } from "./version.ts";

function inRange(range: string, tag: string): boolean {
  const read = parseVersionRange(range) as VersionRange;
  return read.matches(parseVersion(tag)!);
}

describe("ranges", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    [">=1.0.0", ["1.0.0", "v1.10.0", "2.3", "3"], ["0.9.9", "1.0.0-rc.1", "2.0.0-rc.1"]],
    [">=1.0.0 <3", ["1.0.0", "2.9.9", "2"], ["3.0.0", "3", "0.1.0"]],
    ["^1.2 || 4.x", ["1.2.0", "1.9.0", "4.0.1", "1", "4"], ["1.1.0", "2.0.0", "5.0.0"]],
    ["1.2.3 - 2.3", ["1.2.3", "2.3.9"], ["1.2.2", "2.4.0"]],
    ["*", ["0.0.1", "2024.01.15", "1.2.3.4"], ["1.0.0-rc.1"]],
    ["<2.0.0-0", ["1.9.9", "1.0.0-rc.1"], ["2.0.0", "2.0.0-rc.1"]],
    [">=1.0.0-0", ["1.0.0-rc.1", "2.0.0-rc.1", "1.25.3-alpine"], ["0.9.0-rc.1"]],
    ["=1.2.3", ["1.2.3", "v1.2.3_build", "1.2.3.4"], ["1.2", "1.2.4"]],
    [">2024.1.0", ["2024.01.15", "2024-02-01", "2025.1"], ["2024.1.0", "2023.12.31"]],
  ];
  for (const [range, inside, outside] of cases) {
    test(range, () => {
      expect(inside.filter((tag) => !inRange(range, tag))).toEqual([]);
      expect(outside.filter((tag) => inRange(range, tag))).toEqual([]);
    });
  }

  test("a tag that moves with its line is not taken for the first of it", () => {
    expect(inRange("<1.4.5", "1.4")).toBe(false);
    expect(inRange(">=1.4.3", "1.4")).toBe(true);
  });

  for (const text of ["", "  ", "newest", ">>1", `>=1 ${"|| 1.0.0 ".repeat(50)}`]) {
    test(`${JSON.stringify(text.slice(0, 20))} is none`, () => {
      expect(parseVersionRange(text)).toEqual({ reason: expect.stringContaining("no range") });
    });
  }
});
