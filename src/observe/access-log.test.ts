import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Access, accessLine } from "./access-log.ts";

const access: Access = {
  at: Date.UTC(2026, 10, 21, 15, 46, 10, 999),
  address: "127.0.0.1",
  user: null,
  method: "GET",
  path: "/v2/team/app/tags/list",
  route: "/v2/{name}/tags/list",
  status: 200,
  bytes: 19,
  ms: 1.2345,
  referer: null,
  userAgent: "curl/7.88.1",
};

const anything = fc.string({ unit: "binary", maxLength: 50 });

/** What moves a cursor, or begins another line. */
function isControl(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code === 0x2028 || code === 0x2029;
}

describe("a line of the access log", () => {
  test("is as registry:2 writes it", () => {
    expect(accessLine("combined", access)).toBe(
      '127.0.0.1 - - [21/Nov/2026:15:46:10 +0000] "GET /v2/team/app/tags/list HTTP/1.1" 200 19 "" "curl/7.88.1"\n',
    );
  });

  test("names the user, as one word", () => {
    expect(accessLine("combined", { ...access, user: "ann" })).toStartWith("127.0.0.1 - ann [");
    expect(accessLine("combined", { ...access, user: "a b]" })).toStartWith(
      "127.0.0.1 - a\\x20b] [",
    );
  });

  test("as JSON has every field", () => {
    expect(JSON.parse(accessLine("json", { ...access, user: "ann" }))).toEqual({
      time: "2026-11-21T15:46:10.999Z",
      address: "127.0.0.1",
      user: "ann",
      method: "GET",
      path: "/v2/team/app/tags/list",
      route: "/v2/{name}/tags/list",
      status: 200,
      bytes: 19,
      ms: 1.23,
      referer: "",
      userAgent: "curl/7.88.1",
    });
  });

  test.each(["combined", "json"] as const)("is one line of printable characters: %s", (format) => {
    fc.assert(
      fc.property(anything, anything, anything, anything, (user, path, referer, userAgent) => {
        const line = accessLine(format, { ...access, user, path, referer, userAgent });
        expect(line.endsWith("\n")).toBe(true);
        expect(Array.from(line.trimEnd()).filter(isControl)).toEqual([]);
      }),
    );
  });

  test("cannot have a field ended by what a client sends", () => {
    fc.assert(
      fc.property(anything, (userAgent) => {
        const line = accessLine("combined", { ...access, userAgent });
        const fields = /^[^"]*"(?:[^"\\]|\\.)*" \d+ \d+ "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"\n$/;
        expect(line).toMatch(fields);
      }),
    );
  });

  test("does not have the password in a referer", () => {
    for (const format of ["combined", "json"] as const) {
      const referer = "https://ann:hush@x@ui.example/page@1";
      const line = accessLine(format, { ...access, referer });
      expect(line).toContain("https://ui.example/page@1");
      expect(line).not.toContain("hush");
    }
  });

  test("does not have the query of a referer, nor all of what is long", () => {
    const referer = "https://ui.example/page?token=hush#token=hush";
    for (const format of ["combined", "json"] as const) {
      const line = accessLine(format, { ...access, referer, userAgent: "x".repeat(16_000) });
      expect(line).toContain("https://ui.example/page");
      expect(line).not.toContain("hush");
      expect(line.length).toBeLessThan(2000);
    }
  });
});
