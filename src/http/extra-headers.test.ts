import { describe, expect, test } from "bun:test";
import { type ExtraHeaders, extraHeaders } from "./extra-headers.ts";

function applied(configured: ExtraHeaders, asked = {}, own = {}): Record<string, string> {
  const headers = new Headers(own);
  extraHeaders(configured)?.(new Request("http://x/", { headers: asked }), headers);
  return Object.fromEntries(headers);
}

const ORIGINS = { "Access-Control-Allow-Origin": ["https://a.example", "https://b.example"] };

describe("configured headers", () => {
  test("cost nothing when there are none", () => {
    expect(extraHeaders({})).toBeNull();
  });

  test("are all added, each value of each", () => {
    expect(applied({ "X-One": ["1"], "X-Two": ["a", "b"] })).toEqual({
      "x-one": "1",
      "x-two": "a, b",
    });
  });

  test("give way to what the answer says", () => {
    expect(applied({ "content-type": ["a"], "X-One": ["1"] }, {}, { "Content-Type": "b" })).toEqual(
      {
        "content-type": "b",
        "x-one": "1",
      },
    );
  });

  test("with one origin name it to everybody", () => {
    const one = { "Access-Control-Allow-Origin": ["https://a.example"] };
    for (const origin of ["https://a.example", "https://evil.example"]) {
      expect(applied(one, { origin })).toEqual({
        "access-control-allow-origin": "https://a.example",
      });
    }
  });

  test.each(["https://a.example", "https://b.example"])(
    "with several origins name the one that asks: %s",
    (origin) => {
      expect(applied(ORIGINS, { origin }, { vary: "Accept" })).toEqual({
        "access-control-allow-origin": origin,
        vary: "Accept, Origin",
      });
    },
  );

  test.each(["https://evil.example", "https://a.example.evil", "null", "HTTPS://A.EXAMPLE", ""])(
    "with several origins name none to another: %s",
    (origin) => {
      expect(applied(ORIGINS, origin === "" ? {} : { origin })).toEqual({ vary: "Origin" });
    },
  );
});
