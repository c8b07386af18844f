import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { as, seed, testGate } from "./support/access.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

/** Every third is one that ann may pull. */
const NAMES = Array.from({ length: 30 }, (_, at) => {
  const number = String(at).padStart(2, "0");
  return at % 3 === 1 ? `r${number}/open` : `r${number}/closed`;
});
const OPEN = NAMES.filter((name) => name.endsWith("open"));

let registry: TestRegistry;
beforeAll(async () => {
  const gate = await testGate(["all", "ann", "stranger"], {
    anonymousPull: ["r04/open"],
    rules: [
      { repositories: ["**"], users: ["all"], groups: [], allow: ["pull", "push"] },
      { repositories: ["*/open"], users: ["ann"], groups: [], allow: ["pull"] },
    ],
  });
  registry = await startRegistry({ gate });
  for (const name of NAMES) await seed(registry, name, "all");
});
afterAll(async () => await registry[Symbol.asyncDispose]());

async function page(user: string | null, path: string) {
  const answer = await registry.ask("GET", path, { headers: as(user) });
  const next = /^<([^>]*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1] ?? null;
  return { status: answer.status, names: answer.json().repositories, next };
}

async function pages(user: string, n: number): Promise<string[][]> {
  const all: string[][] = [];
  for (let path: string | null = `/v2/_catalog?n=${n}`; path !== null;) {
    const { names, next } = await page(user, path);
    all.push([...(names ?? [])]);
    path = next;
  }
  return all;
}

describe("the catalog", () => {
  test("has what the caller may pull", async () => {
    expect((await page("all", "/v2/_catalog")).names).toEqual(NAMES);
    expect((await page("ann", "/v2/_catalog")).names).toEqual(OPEN);
    expect((await page("stranger", "/v2/_catalog")).names).toEqual(["r04/open"]);
  });

  test("is not shown to nobody in particular, whatever he may pull", async () => {
    expect((await page(null, "/v2/_catalog")).status).toBe(401);
  });

  test.each([1, 2, 3, 5, 7, 10, 11, 1000])(
    "has full pages of %p, and no Link behind the last",
    async (n) => {
      for (const [user, names] of [
        ["all", NAMES],
        ["ann", OPEN],
        ["stranger", ["r04/open"]],
      ] as const) {
        const got = await pages(user, n);
        expect(got.flat()).toEqual([...names]);
        for (const full of got.slice(0, -1)) expect(full.length).toBe(n);
        expect(got.length).toBe(Math.ceil(names.length / n));
      }
    },
  );

  test("goes on behind a name that the caller may not see as behind any other", async () => {
    const { names } = await page("ann", "/v2/_catalog?n=2&last=r12/closed");
    expect(names).toEqual(["r13/open", "r16/open"]);
    expect((await page("ann", "/v2/_catalog?n=0")).names).toEqual([]);
  });
});
