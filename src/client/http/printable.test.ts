import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { printable } from "./printable.ts";

describe("text of others", () => {
  test("stays as it is when it is plain, in any script", () => {
    expect(printable("team/app:1.0 – größe 大")).toBe("team/app:1.0 – größe 大");
  });

  test.each([
    ["an escape sequence", "\u001b[31mred", "\\u{1b}[31mred"],
    ["a C1 control", "a\u009b2Jb", "a\\u{9b}2Jb"],
    ["a line feed", "a\nwharf: deleted", "a\\u{a}wharf: deleted"],
    ["a change of direction", "a\u202eb", "a\\u{202e}b"],
    ["half a surrogate pair", "a\ud800", "a\\u{d800}"],
  ])("shows %s instead of obeying it", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("is cut when it is longer than it may be", () => {
    expect(printable("aaaaaa", 3)).toBe("aaa…");
  });

  test("never holds a control or format character, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
