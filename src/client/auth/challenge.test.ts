import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseChallenges } from "./challenge.ts";

function read(header: string): unknown {
  return parseChallenges(header).map(({ scheme, parameters }) => ({
    scheme,
    ...Object.fromEntries(parameters),
  }));
}

describe("a challenge", () => {
  test("of a token server is read with its realm, service and scope", () => {
    const header =
      'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push"';

    expect(read(header)).toEqual([
      {
        scheme: "bearer",
        realm: "https://auth.example.com/token",
        service: "registry",
        scope: "repository:a/b:pull,push",
      },
    ]);
  });

  test("may come with others in one header", () => {
    expect(read('Basic realm="a, Bearer b", Bearer realm=c ,service = d, Negotiate')).toEqual([
      { scheme: "basic", realm: "a, Bearer b" },
      { scheme: "bearer", realm: "c", service: "d" },
      { scheme: "negotiate" },
    ]);
  });

  test("may hold quoted quotes, and the first of two equal names counts", () => {
    expect(read('Basic realm="say \\"hi\\"", REALM=other')).toEqual([
      { scheme: "basic", realm: 'say "hi"' },
    ]);
  });

  test.each(["", "   ", '="x"', "a=b", '"'])("is not found in %p", (header) => {
    expect(read(header)).toEqual([]);
  });

  test("of any form is read without failing, and quickly however long", () => {
    fc.assert(fc.property(fc.string(), (header) => void parseChallenges(header)));

    const began = performance.now();
    for (const piece of ["a=", 'a="', "\\", " ", ",", '"\\', "a "]) {
      parseChallenges(`Basic ${piece.repeat(16_000 / piece.length)}`);
    }
    expect(performance.now() - began).toBeLessThan(500);
  });
});
