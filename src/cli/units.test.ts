import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ago, counted, humanSize, isoTime, shortDigest } from "./units.ts";

const KIB = 1024;
const MIB = KIB * 1024;

describe("a size", () => {
  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [KIB, "1.0 KiB"],
    [1.5 * KIB, "1.5 KiB"],
    [99.9 * KIB, "99.9 KiB"],
    [100 * KIB, "100 KiB"],
    [1023 * KIB, "1023 KiB"],
    [MIB - 1, "1.0 MiB"],
    [12.34 * MIB, "12.3 MiB"],
    [5 * MIB * KIB, "5.0 GiB"],
    [2 ** 60, "1024 PiB"],
  ])("of %d bytes is %s", (bytes, text) => {
    expect(humanSize(bytes)).toBe(text);
  });

  test("keeps within a tenth of the truth, and four digits", () => {
    const factors: Record<string, number> = {
      B: 1,
      KiB: KIB,
      MiB: MIB,
      GiB: 2 ** 30,
      TiB: 2 ** 40,
    };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 49 }), (bytes) => {
        const [, number = "", unit = ""] =
          /^(\d{1,4}|\d{1,2}\.\d) (\w+)$/.exec(humanSize(bytes)) ?? [];
        const shown = Number(number) * (factors[unit] ?? 0);
        expect(Math.abs(shown - bytes)).toBeLessThanOrEqual(bytes * 0.05);
      }),
    );
  });
});

describe("a time", () => {
  const minute = 60_000;
  const day = 24 * 60 * minute;

  test.each([
    [0, "just now"],
    [59_000, "just now"],
    [-30_000, "just now"],
    [minute, "1 minute ago"],
    [59 * minute, "59 minutes ago"],
    [60 * minute, "1 hour ago"],
    [day, "1 day ago"],
    [3 * day, "3 days ago"],
    [13 * day, "1 week ago"],
    [45 * day, "1 month ago"],
    [800 * day, "2 years ago"],
  ])("%d ms back is %s", (passed, text) => {
    const now = Date.UTC(2026, 0, 1);
    expect(ago(now - passed, now)).toBe(text);
  });

  test("that lies ahead is shown as it is", () => {
    const now = Date.UTC(2026, 0, 1);
    expect(ago(now + day, now)).toBe("2026-01-02T00:00:00Z");
  });

  test("that is none is shown too, not thrown over", () => {
    expect(isoTime(1e300)).toBe("1e+300");
    expect(ago(Number.NaN, 0)).toBe("just now");
  });
});

test("things are counted in words", () => {
  expect([0, 1, 2].map((count) => counted(count, "tag"))).toEqual(["0 tags", "1 tag", "2 tags"]);
});

test("a digest is shown by its first twelve digits", () => {
  expect(shortDigest(`sha256:${"0123456789abcdef".repeat(4)}`)).toBe("0123456789ab");
});
