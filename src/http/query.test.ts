import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RegistryError } from "../oci/errors.ts";
import { flag, requestedPage, single } from "./query.ts";

const query = (text: string): URLSearchParams => new URLSearchParams(text);

function refusal(attempt: () => unknown): RegistryError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("a parameter that may stand once", () => {
  test("is its value, decoded, or null when it is absent", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (value) => {
        const search = new URLSearchParams({ other: "x", wanted: value });
        expect(single(query(search.toString()), "wanted")).toBe(search.get("wanted"));
        expect(single(query(search.toString()), "absent")).toBeNull();
      }),
    );
  });

  test.each(["a=1&a=2", "a=1&a=1", "a&a", "a=1&b=2&a="])(
    "is refused when it stands twice: %s",
    (text) => {
      expect(refusal(() => single(query(text), "a"))).toMatchObject({
        kind: "PARAMETER_INVALID",
        detail: { parameter: "a" },
      });
    },
  );

  test("may have 1024 characters and no more", () => {
    expect(single(query(`a=${"x".repeat(1024)}`), "a")).toHaveLength(1024);
    expect(refusal(() => single(query(`a=${"x".repeat(1025)}`), "a")).kind).toBe(
      "PARAMETER_INVALID",
    );
  });

  test("is not repeated in the refusal when it is long", () => {
    expect(
      refusal(() => single(query(`a=${"x".repeat(65_536)}`), "a")).message.length,
    ).toBeLessThan(200);
  });
});

describe("a switch", () => {
  test.each([
    ["", false],
    ["a=false", false],
    ["a=true", true],
  ])("is read from %p", (text, value) => {
    expect(flag(query(text), "a")).toBe(value);
  });

  test.each(["a", "a=", "a=1", "a=TRUE", "a=true&a=true"])("is refused as %p", (text) => {
    expect(refusal(() => flag(query(text), "a")).kind).toBe("PARAMETER_INVALID");
  });
});

describe("the page that is asked for", () => {
  const USUAL = 100;
  const MOST = 1000;
  const page = (text: string) => requestedPage(query(text), USUAL, MOST);

  test.each([
    ["", { last: null, limit: USUAL }],
    ["n=7", { last: null, limit: 7 }],
    ["n=0", { last: null, limit: 0 }],
    ["n=007", { last: null, limit: 7 }],
    ["n=1000", { last: null, limit: MOST }],
    ["n=1001", { last: null, limit: MOST }],
    ["n=2147483647", { last: null, limit: MOST }],
    ["n=1000000000000000000", { last: null, limit: MOST }],
    [`n=${"9".repeat(1000)}`, { last: null, limit: MOST }],
    ["last=v1", { last: "v1", limit: USUAL }],
    ["last=", { last: null, limit: USUAL }],
    ["last", { last: null, limit: USUAL }],
    ["last=team%2Fapp&n=5", { last: "team/app", limit: 5 }],
    ["last=..%2F&n=5", { last: "../", limit: 5 }],
    ["last=%00", { last: "\0", limit: USUAL }],
    ["N=5&Last=x", { last: null, limit: USUAL }],
  ])("by %p is within the bounds, and begins where it says", (text, expected) => {
    expect(page(text)).toEqual(expected);
  });

  test.each([
    "n=",
    "n",
    "n=-1",
    "n=%2B1",
    "n=1.5",
    "n=1e3",
    "n=0x10",
    "n=a",
    "n=NaN",
    "n=Infinity",
    "n=%201",
    "n=1%20",
    "n=1,2",
    "n=%00",
    "n=%D9%A1",
    "n=1&n=1",
    "n=1&n=2",
    "last=a&last=b",
    `n=${"1".repeat(1025)}`,
    `last=${"a".repeat(1025)}`,
  ])("by %p is refused", (text) => {
    expect(refusal(() => page(text)).kind).toBe("PARAMETER_INVALID");
  });

  test("never has more entries than allowed, and never a fraction", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (n) => {
        const { limit } = page(`n=${n}`);
        expect(limit).toBe(n > BigInt(MOST) ? MOST : Number(n));
      }),
    );
  });
});
