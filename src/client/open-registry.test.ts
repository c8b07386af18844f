import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { failureOf } from "../../test/support/failure.ts";
import { fakeProxy } from "../../test/support/fake-proxy.ts";
import { fakeRegistry } from "../../test/support/fake-registry.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import {
  BASIC,
  CANARY,
  challenge,
  connectAs,
  tagsOfApp as tags,
} from "../../test/support/hostile.ts";
import { virtualTime } from "../../test/support/virtual-time.ts";
import { openRegistry } from "./open-registry.ts";

const page = (): Response => Response.json({ name: "app", tags: ["1"] });

describe("the credentials of an entry", () => {
  test("come before those that docker login has left, which count where there are none", async () => {
    await using folder = await temporaryFolder();
    const stored = Buffer.from("stored:password").toString("base64");
    await using registry = fakeRegistry(({ authorization }) =>
      authorization === null ? challenge("Basic") : page(),
    );
    await writeFile(
      folder.at("config.json"),
      JSON.stringify({ auths: { [registry.host]: { auth: stored } } }),
    );
    const around = { environment: { DOCKER_CONFIG: folder.path }, certificates: [] };

    await tags(openRegistry({ url: registry.url, username: "me", password: CANARY }, around));
    await tags(openRegistry({ url: registry.url }, around));

    expect(registry.heard.map(({ authorization }) => authorization)).toEqual([
      null,
      BASIC,
      null,
      `Basic ${stored}`,
    ]);
  });

  test.each([{ username: "me" }, { password: CANARY }])("are both or none: %p", (half) => {
    const entry = { url: "registry.test", ...half };

    expect(() => openRegistry(entry, { environment: {} })).toThrow(/has no (username|password)/);
    expect(() => openRegistry(entry, { environment: {} })).not.toThrow(CANARY);
  });

  test("do not stand in its address", () => {
    const open = () =>
      openRegistry({ url: `https://me:${CANARY}@registry.test` }, { environment: {} });

    expect(open).toThrow("has no user or password in it");
    expect(open).not.toThrow(CANARY);
  });
});

describe("a proxy", () => {
  test("of the entry is asked for everything, one of the variables for what they say", async () => {
    await using registry = fakeRegistry(page);
    const port = Number(new URL(registry.url).port);
    const lookUp = async () => ["127.0.0.1"];
    const names = { "registry.test": port, "direct.test": port };
    await using configured = await fakeProxy(names);
    await using general = await fakeProxy(names);
    const environment = { HTTP_PROXY: general.url, NO_PROXY: "direct.test,10.0.0.0/8" };
    const around = { environment, lookUp };

    await tags(connectAs("http://registry.test", { proxy: configured.url }, around));
    await tags(connectAs("http://registry.test", {}, around));
    await tags(connectAs(`http://direct.test:${port}`, {}, around));
    await tags(connectAs(registry.url, {}, around));

    expect(configured.asked).toEqual(["registry.test"]);
    expect(general.asked).toEqual(["registry.test"]);
    expect(registry.heard).toHaveLength(4);
  });

  test("that is not there is an error that does not name its password", async () => {
    const proxy = await fakeProxy();
    await proxy[Symbol.asyncDispose]();
    const entry = { proxy: proxy.url.replace("//", "//me:proxy-password@") };
    const around = { lookUp: async () => ["93.184.216.34"] };

    const failure = await failureOf(tags(connectAs("http://registry.test", entry, around)));

    expect(failure.kind).toBe("REMOTE");
    expect(Bun.inspect(failure)).not.toContain("proxy-password");
  });

  test("which is none is an error before anything is asked", () => {
    expect(() => connectAs("http://registry.test", { proxy: "socks5://a" })).toThrow(
      "proxy must be",
    );
    const around = { environment: { HTTPS_PROXY: "ftp://a" } };
    expect(() => connectAs("http://registry.test", {}, around)).toThrow("HTTPS_PROXY must be");
  });
});

describe("the limits of a connection", () => {
  test("count all who use it together", async () => {
    let there = 0;
    let most = 0;
    await using registry = fakeRegistry(async () => {
      most = Math.max(most, ++there);
      await Bun.sleep(5);
      there--;
      return page();
    });
    const connection = connectAs(registry.url, { concurrency: 3 });

    await Promise.all(Array.from({ length: 20 }, async () => await tags(connection)));

    expect(most).toBe(3);
  });

  test("let a registry breathe that says 429, and everybody waits for it", async () => {
    const pacing = virtualTime();
    let left = 2;
    await using registry = fakeRegistry(() =>
      left-- > 0 ? new Response(null, { status: 429, headers: { "retry-after": "7" } }) : page(),
    );
    const connection = connectAs(registry.url, { retries: 5, concurrency: 1 }, { pacing });

    await Promise.all([tags(connection), tags(connection)]);

    expect(pacing.now()).toBeGreaterThanOrEqual(7000);
    expect(registry.heard).toHaveLength(4);
  });

  test("hold for a registry that goes away in the middle and comes back", async () => {
    const pacing = virtualTime();
    let asked = 0;
    await using registry = fakeRegistry(() => {
      if (++asked % 3 !== 0)
        return new Response("the gateway has nobody behind it", { status: 502 });
      return page();
    });
    const connection = connectAs(registry.url, { retries: 5 }, { pacing });

    for (let n = 0; n < 5; n++) expect(await tags(connection)).toEqual(["1"]);
  });

  test("end with the registry's words when it does not come back", async () => {
    const pacing = virtualTime();
    await using registry = fakeRegistry(() => new Response("no", { status: 503 }));

    const failure = await failureOf(tags(connectAs(registry.url, { retries: 2 }, { pacing })));

    expect(failure.message).toContain("answers 503");
    expect(registry.heard).toHaveLength(3);
  });
});

test("many requests share few connections, over HEAD and GET, with errors in between", async () => {
  let connections = 0;
  let n = 0;
  const server = createServer((request, answer) => {
    answer.statusCode = ++n % 5 === 0 ? 404 : 200;
    answer.setHeader("content-length", "2");
    answer.end(request.method === "HEAD" ? undefined : "{}");
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const connection = connectAs(
    `http://registry.test:${port}`,
    { concurrency: 4 },
    {
      lookUp: async () => ["127.0.0.1"],
    },
  );

  try {
    await Promise.all(
      Array.from({ length: 200 }, async (_, turn) => {
        const method = turn % 2 === 0 ? "HEAD" : "GET";
        await (await connection.ask({ method, path: "/v2/", scope: "" })).discard();
      }),
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }

  expect(n).toBe(200);
  expect(connections).toBeLessThanOrEqual(8);
});
