import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nearest } from "./nearest.ts";

/** Levenshtein's distance as it is defined: slow, for short words. */
function distance(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const [restA, restB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return distance(restA, restB);
  return 1 + Math.min(distance(restA, b), distance(a, restB), distance(restA, restB));
}

const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
const words = fc.array(word, { maxLength: 5 });

describe("the nearest known word", () => {
  test.each([
    ["lisen", ["listen", "data", "delete"], "listen"],
    ["delte", ["listen", "data", "delete"], "delete"],
    ["PublicURL", ["publicUrl", "delete"], "publicUrl"],
    ["WHARF_LISTN", ["WHARF_LISTEN", "WHARF_DATA"], "WHARF_LISTEN"],
    ["levle", ["level", "format"], "level"],
    ["dta", ["data"], "data"],
  ])("for %p is the one that was meant", (typed, known, meant) => {
    expect(nearest(typed, known)).toBe(meant);
  });

  test.each([
    ["storage", ["listen", "data", "delete"]],
    ["x", ["listen", "delete"]],
    ["anything", []],
    ["a".repeat(65_536), ["listen", "delete"]],
  ])("is none when no word is near: %.10p", (typed, known) => {
    expect(nearest(typed, known)).toBeNull();
  });

  test("for a known word is itself", () => {
    fc.assert(
      fc.property(words, fc.nat(), (known, at) => {
        const one = known[at % known.length];
        fc.pre(one !== undefined);
        expect(nearest(one, known)).toBe(one);
      }),
    );
  });

  test("is as near as any, near enough, and the first of those that are equally near", () => {
    fc.assert(
      fc.property(word, words, (typed, known) => {
        const enough = Math.max(2, Math.floor(typed.length / 3));
        const least = Math.min(...known.map((one) => distance(typed, one)));
        const expected = known.find((one) => distance(typed, one) === least && least <= enough);
        expect(nearest(typed, known)).toBe(expected ?? null);
      }),
      { numRuns: 300 },
    );
  });

  test("does not mind capitals", () => {
    fc.assert(
      fc.property(word, words, (typed, known) => {
        expect(nearest(typed.toUpperCase(), known)).toBe(nearest(typed, known));
      }),
    );
  });
});
