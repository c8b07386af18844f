import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { waitAfter } from "./retry.ts";

const USUAL = { threshold: 3, backoff: 1000 };

describe("after a failure", () => {
  test("the next attempt is soon, from the threshold on after the backoff, doubled each time up to a minute", () => {
    const waits = [1, 2, 3, 4, 5, 8, 9, 10, 100, 1e9].map((n) => waitAfter(n, USUAL, null, 0));

    expect(waits).toEqual([100, 100, 1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  });

  test("a backoff of less than the first wait, or of more than a minute, is taken at its word", () => {
    expect(waitAfter(1, { threshold: 3, backoff: 20 }, null, 0)).toBe(20);
    expect(waitAfter(9, { threshold: 3, backoff: 300_000 }, null, 0)).toBe(300_000);
  });

  test("chance takes off up to a half", () => {
    expect(waitAfter(3, USUAL, null, 1)).toBe(500);
    expect(waitAfter(3, USUAL, null, 0.5)).toBe(750);
  });

  test("the receiver can ask for more, up to an hour, and not for less", () => {
    expect(waitAfter(3, USUAL, 5000, 0)).toBe(5000);
    expect(waitAfter(3, USUAL, 1, 0)).toBe(1000);
    expect(waitAfter(1, USUAL, 1e12, 0)).toBe(3_600_000);
  });

  test("the wait is a whole number of milliseconds between none and an hour, whatever is configured", () => {
    const positive = fc.integer({ min: 1, max: 3_600_000 });
    const chance = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat(), positive, positive, chance, (failures, threshold, backoff, luck) => {
        const wait = waitAfter(failures + 1, { threshold, backoff }, null, luck);
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(3_600_000);
      }),
    );
  });
});
