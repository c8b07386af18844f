import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compareVersions, parseVersion } from "./version.ts";

const numbers = (tag: string): readonly number[] | null => parseVersion(tag)?.numbers ?? null;

describe("tags that are versions", () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["1.2.3", [1, 2, 3, 0]],
    ["v1.10.0", [1, 10, 0, 0]],
    ["V2.0.1", [2, 0, 1, 0]],
    ["1.2.3-rc.1", [1, 2, 3, 0]],
    ["3.12.0rc1", [3, 12, 0, 0]],
    ["10.0.17763.2114", [10, 0, 17763, 2114]],
    ["1.4", [1, 4, Infinity, 0]],
    ["v1", [1, Infinity, Infinity, 0]],
    ["17", [17, Infinity, Infinity, 0]],
    ["1.25.3-alpine3.18", [1, 25, 3, 0]],
    ["1.2.3_build.7", [1, 2, 3, 0]],
    ["1.2.3-rc.1_build", [1, 2, 3, 0]],
    ["24.04", [24, 4, Infinity, 0]],
    ["2024.01.15", [2024, 1, 15, 0]],
    ["2024-01-15", [2024, 1, 15, 0]],
    ["20240115", [2024, 1, 15, 0]],
    ["20240115.3", [2024, 1, 15, 3]],
    ["20240115-103000", [2024, 1, 15, 103000]],
    ["2024-01-15T1030", [2024, 1, 15, 1030]],
  ];
  for (const [tag, expected] of cases) {
    test(tag, () => expect(numbers(tag)).toEqual(expected));
  }
});

describe("tags that are none", () => {
  const commits = ["1234567", "12345678", "0123abc", "12ab34c", "9e107d9d372bb6826bd81d3542a419d6"];
  const others = [
    "latest",
    "main",
    "v",
    "1.2.3.4.5",
    "nightly-20240115",
    "1..2",
    "1.2.",
    "-1.2",
    "",
  ];
  for (const tag of [...commits, ...others, `${"9".repeat(16)}.1`, "1.2.3 "]) {
    test(JSON.stringify(tag), () => expect(parseVersion(tag)).toBeNull());
  }
});

describe("the order of versions", () => {
  const fromOldest = [
    "v0.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "v1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.0.1",
    "1.9.0",
    "v1.10.0",
    "1.10",
    "1",
    "2.0.0-0",
    "2.0.0",
    "2024.01.15",
    "20240115.2",
    "2024-01-16",
    "2024.02.01",
  ];

  test("is that of semver 2.0.0, with numbers left out as the newest of their line", () => {
    const sorted = fromOldest
      .toReversed()
      .toSorted((a, b) => compareVersions(parseVersion(a)!, parseVersion(b)!));

    expect(sorted).toEqual(fromOldest);
  });

  test("takes v and build metadata for nothing", () => {
    expect(compareVersions(parseVersion("v1.2.3")!, parseVersion("1.2.3_build")!)).toBe(0);
  });

  test("is an order: of any two one way, and of any three no circle", () => {
    const part = fc.constantFrom("0", "1", "2", "10", "01");
    const pre = fc.constantFrom("", "-rc", "-rc.1", "-rc.10", "-1", "-alpine", "rc1");
    const version = fc
      .tuple(fc.array(part, { minLength: 2, maxLength: 4 }), pre)
      .map(([parts, suffix]) => parseVersion(`${parts.join(".")}${suffix}`)!);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });
});

test("numbers alone are the version that they are with build metadata, which is read another way", () => {
  const number = fc.oneof(fc.nat({ max: 999 }), fc.constantFrom("007", "0", "123456789012345"));
  const parts = fc.tuple(fc.nat({ max: 999 }), fc.array(number, { maxLength: 3 }));
  fc.assert(
    fc.property(parts, fc.constantFrom("", "v", "V"), ([major, others], prefix) => {
      const tag = prefix + [major, ...others].join(".");
      expect(parseVersion(tag)).toEqual(parseVersion(`${tag}_build`));
    }),
  );
});
