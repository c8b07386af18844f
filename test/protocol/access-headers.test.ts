import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { as, passwordOf, seed, testGate } from "./support/access.ts";
import { exchange, rawRequest } from "./support/raw.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

let registry: TestRegistry;
let behind: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry({ gate: await testGate(["ann"]) });
  behind = await startRegistry({
    gate: await testGate(["ann"]),
    trustedProxies: ["127.0.0.0/8"],
  });
  await seed(registry, "team/app", "ann");
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await behind[Symbol.asyncDispose]();
});

const PATH = "/v2/team/app/manifests/v1";
const encoded = Buffer.from(`ann:${passwordOf("ann")}`).toString("base64");

describe("who somebody is, nobody says but his credentials:", () => {
  test.each([
    ["X-WEBAUTH-USER", "ann"],
    ["X-Forwarded-User", "ann"],
    ["X-Remote-User", "ann"],
    ["Remote-User", "ann"],
    ["X-Forwarded-For", "127.0.0.1"],
    ["X-Forwarded-Host", "evil.example"],
    ["X-Forwarded-Proto", "javascript"],
    ["X-Original-URL", "/"],
    ["X-Rewrite-URL", "/livez"],
    ["Forwarded", 'for="127.0.0.1;user=ann'],
    ["Proxy-Authorization", `Basic ${encoded}`],
    ["X-Authorization", `Basic ${encoded}`],
    ["Cookie", `authorization=Basic ${encoded}`],
    ["Origin", "null"],
  ])("%s: %s", async (header, value) => {
    for (const one of [registry, behind]) {
      const answer = await exchange(
        one.port,
        rawRequest("GET", PATH, { headers: [`${header}: ${value}`] }),
      );
      expect(answer?.status).toBe(401);
      expect(JSON.stringify([...answer!.headers])).not.toContain("evil");
    }
  });

  test.each([
    `${PATH}?access_token=${encoded}`,
    `${PATH}?token=${encoded}`,
    `${PATH}?authorization=Basic%20${encoded}`,
    `http://ann:${encodeURIComponent(passwordOf("ann"))}@127.0.0.1${PATH}`,
  ])("%s", async (target) => {
    expect((await exchange(registry.port, rawRequest("GET", target)))?.status).toBe(401);
  });

  test("two headers are none, also when both are right", async () => {
    const lines = [`Authorization: Basic ${encoded}`, `Authorization: Basic ${encoded}`];
    const answer = await exchange(registry.port, rawRequest("GET", PATH, { headers: lines }));
    expect(answer?.status).toBe(401);
  });
});

describe("what is done, nothing says but the method:", () => {
  test.each(["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])(
    "%s",
    async (header) => {
      const headers = { ...as("ann"), [header]: "DELETE" };
      expect((await registry.ask("GET", PATH, { headers })).status).toBe(200);
      expect((await registry.ask("GET", PATH, { headers: as("ann") })).status).toBe(200);
    },
  );

  test.each(["get", "Get", "BREW", "TRACE"])("the method %s reads nothing", async (method) => {
    const answer = await exchange(registry.port, rawRequest(method, PATH));
    expect(answer === null || answer.status >= 400).toBe(true);
    expect(answer?.text ?? "").not.toContain("layers");
  });
});

describe("nobody has to say who he is", () => {
  test.each([PATH, "/v2/", "/v2/_catalog", "/nowhere"])("for OPTIONS %s", async (path) => {
    const answer = await exchange(registry.port, rawRequest("OPTIONS", path));
    expect(answer?.status).toBeLessThan(400);
    expect(answer?.headers.has("www-authenticate")).toBe(false);
  });

  test("to hear that there is no such route", async () => {
    expect((await registry.ask("GET", "/nowhere")).status).toBe(404);
  });
});

describe("a blob may be kept", () => {
  const kept = async (one: TestRegistry, name: string, digest: string, user: string | null) => {
    const path = `/v2/${name}/blobs/${digest}`;
    const ranges = [{}, { range: "bytes=0-1" }, { "if-none-match": `"${digest}"` }];
    const answers = ranges.map((more) =>
      one.ask("GET", path, { headers: { ...more, ...as(user) } }),
    );
    answers.push(one.ask("HEAD", path, { headers: as(user) }));
    const all = (await Promise.all(answers)).map(({ headers }) => headers.get("cache-control"));
    return [...new Set(all)];
  };

  test("by whoever got it because of who he is, and by nobody between", async () => {
    const gate = await testGate(["ann"], { anonymousPull: ["public/**"] });
    await using one = await startRegistry({ gate });
    const content = await seed(one, "public/app", "ann");
    expect(await kept(one, "public/app", content.layer, "ann")).toEqual([
      "private, max-age=31536000, immutable",
    ]);
    expect(await kept(one, "public/app", content.layer, null)).toEqual([
      "max-age=31536000, immutable",
    ]);
  });
});

describe("who guesses passwords", () => {
  const guess = async (one: TestRegistry, at: number, from?: string) =>
    await one.ask("GET", "/v2/", {
      headers: { ...as("ann", `wrong ${at}`), ...(from && { "x-forwarded-for": from }) },
    });

  test("is told to wait, and for how long; whoever is known is not", async () => {
    await using guessed = await startRegistry({ gate: await testGate(["ann"]) });
    expect((await guessed.ask("GET", "/v2/", { headers: as("ann") })).status).toBe(200);
    for (let at = 0; at < 5; at++) expect((await guess(guessed, at)).status).toBe(401);
    const slowed = await guess(guessed, 5);
    expect(slowed.status).toBe(429);
    expect(slowed.errors[0]?.code).toBe("TOOMANYREQUESTS");
    expect(slowed.headers.get("retry-after")).toBe("1");
    expect((await guessed.ask("GET", "/v2/", { headers: as("ann") })).status).toBe(200);
  });

  test("cannot pretend to be elsewhere, unless a trusted proxy says so", async () => {
    for (let at = 0; at < 5; at++) await guess(registry, at, `192.0.2.${at}`);
    expect((await guess(registry, 5, "192.0.2.5")).status).toBe(429);
    for (let at = 0; at < 9; at++)
      expect((await guess(behind, at, `192.0.2.${at}`)).status).toBe(401);
    for (let at = 0; at < 5; at++) await guess(behind, at, `198.51.100.1, 127.0.0.${at + 1}`);
    expect((await guess(behind, 9, "203.0.113.77, 198.51.100.1")).status).toBe(429);
  });
});
