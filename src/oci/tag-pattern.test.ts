import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type TagPattern, parseTagPattern } from "./tag-pattern.ts";

const matches = (text: string, tag: string): boolean =>
  (parseTagPattern(text) as TagPattern).matches(tag);

describe("globs of tags", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["pr-*", "pr-12", true],
    ["pr-*", "pr-", true],
    ["pr-*", "xpr-12", false],
    ["v1.?", "v1.2", true],
    ["v1.?", "v1x2", false],
    ["v1.?", "v1.10", false],
    ["*", "anything", true],
    ["latest", "latest", true],
    ["latest", "latest2", false],
    ["a+b", "aab", false],
    ["*.sig", "sha256-00.sig", true],
  ];
  for (const [glob, tag, expected] of cases) {
    test(`${glob} ${expected ? "matches" : "does not match"} ${tag}`, () => {
      expect(matches(glob, tag)).toBe(expected);
    });
  }

  test("without wildcards they are the tag itself, and nothing else", () => {
    const text = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/);
    fc.assert(fc.property(text, text, (a, b) => matches(a, b) === (a === b)));
  });
});

describe("regular expressions", () => {
  test("are found anywhere unless they are anchored", () => {
    expect(matches("/dev/", "my-dev-1")).toBe(true);
    expect(matches("/^dev/", "my-dev-1")).toBe(false);
  });

  test("that are text and anchors say the same as any other way to write them", () => {
    const parts = fc.constantFrom("dev-", "-rc", "main", "a", "dev");
    fc.assert(
      fc.property(parts, parts, fc.boolean(), fc.boolean(), (text, other, begins, ends) => {
        const plain = `${begins ? "^" : ""}${text}${ends ? "$" : ""}`;
        const same = `${begins ? "^" : ""}(?:${text})${ends ? "$" : ""}`;
        for (const tag of [text, other, `${text}${other}`, `${other}${text}`]) {
          expect(matches(`/${plain}/`, tag)).toBe(matches(`/${same}/`, tag));
        }
      }),
    );
  });

  test("take a time that grows with the tag, whatever they are", () => {
    // A backtracking engine needs 2^127 steps for any of these.
    const tag = `${"a".repeat(127)}!`;
    for (const text of ["/(a+)+$/", "/^(a|aa)+$/", "/^(a*)*b$/", "/^(([a-z])+.)+[A-Z]([a-z])+$/"]) {
      expect(matches(text, tag)).toBe(false);
    }
  });

  const faulty = ["", "/(/", "/(?=a)/", "/(a)\\1/", "a/b", "x".repeat(1001)];
  for (const text of faulty) {
    test(`${JSON.stringify(text.slice(0, 20))} is no pattern, and it is said why`, () => {
      expect(parseTagPattern(text)).toEqual({ reason: expect.any(String) });
    });
  }
});
