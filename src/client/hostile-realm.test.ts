import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry } from "../../test/support/fake-registry.ts";
import {
  BASIC,
  CANARY,
  challenge,
  connectAs,
  connectAsNobody,
  publicRegistry,
  tagsOfApp as tags,
  tagsPage as page,
} from "../../test/support/hostile.ts";
import { rawServer } from "../../test/support/raw-server.ts";

const bearer = (realm: string): Response => challenge(`Bearer realm="${realm}",service="s"`);

describe("a realm", () => {
  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:1/token",
    "https://evil.example.org/token",
    "https://registry.example.com.evil.org/token",
    "https://evilexample.com/token",
    "http://[::ffff:10.0.0.1]/token",
    "http://127%E3%80%820%E3%80%820%E3%80%821/token",
    "http://2130706433/token",
    "https://auth.example.com@evil.example.org/token",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//evil.example.org/token",
    "/token",
    "https://evil.example.org\\@auth.example.com/",
    "https:// evil.example.org/",
    "",
  ])("of %p gets no password from us", async (realm) => {
    await using hostile = await publicRegistry(() => bearer(realm));
    const { url, entry, around, proxy } = hostile;

    const failure = await failureOf(tags(connectAs(url, entry, around)));

    expect(failure.message).toContain("they were not sent");
    expect(proxy.asked).toEqual(["registry.example.com"]);
  });

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:10.0.0.1]/token",
    "http://127%E3%80%820%E3%80%820%E3%80%821/token",
    "http://2130706433/token",
    "http://0x7f.1/token",
    "http://10.0.0.1/token",
    "https://localhost/token",
    "http://[::1]/token",
    "http://0.0.0.0/token",
    "http://auth.example.com/token",
    "https://auth.example.org/token",
  ])(
    "of %p is not even asked for a token for everybody: it is in a private place",
    async (realm) => {
      await using hostile = await publicRegistry(() => bearer(realm), {
        localhost: ["127.0.0.1"],
        "auth.example.com": ["10.0.0.1"],
        // One address is as it should be, and one is not.
        "auth.example.org": ["93.184.216.34", "fe80::1"],
      });
      const { url, entry, around, proxy } = hostile;

      const failure = await failureOf(tags(connectAsNobody(url, entry, around)));

      expect(failure.message).toContain("not for it to name");
      expect(proxy.asked).toEqual(["registry.example.com"]);
    },
  );

  const working = async (realm: string, names = {}) =>
    await publicRegistry(({ path, authorization }) => {
      if (path.startsWith("/token")) return Response.json({ token: "T" });
      return authorization === "Bearer T" ? page() : bearer(realm);
    }, names);

  test("of the registry's own domain gets the password", async () => {
    await using good = await working("http://auth.example.com/token");
    const { url, entry, around, registry, proxy } = good;

    expect(await tags(connectAs(url, entry, around))).toEqual(["1"]);
    expect(proxy.asked[1]).toBe("auth.example.com");
    expect(registry.heard[1]?.authorization).toBe(BASIC);
  });

  test("of another domain gets it when it was configured", async () => {
    await using good = await working("http://auth.example.org/token");
    const { url, entry, around, registry } = good;
    const connection = connectAs(url, { ...entry, tokenServers: ["auth.example.org"] }, around);

    expect(await tags(connection)).toEqual(["1"]);
    expect(registry.heard[1]?.authorization).toBe(BASIC);
  });

  test("of another domain is asked as nobody by who has no password", async () => {
    await using good = await working("http://auth.example.org/token");
    const { url, entry, around, registry } = good;

    expect(await tags(connectAsNobody(url, entry, around))).toEqual(["1"]);
    expect(registry.heard[1]?.authorization).toBeNull();
  });

  test("in a private place is asked when privateRealm says so, but never where clouds keep secrets", async () => {
    for (const [address, works] of [
      ["10.0.0.1", true],
      ["169.254.169.254", false],
    ] as const) {
      await using good = await working("http://auth.example.com/token", {
        "auth.example.com": [address],
      });
      const { url, entry, around, proxy } = good;
      const asked = tags(connectAs(url, { ...entry, privateRealm: true }, around));
      if (works) expect(await asked).toEqual(["1"]);
      else expect((await failureOf(asked)).message).toContain("not for it to name");
      expect(proxy.asked.includes("auth.example.com")).toBe(works);
    }
  });

  test("gets a token for what we are about to do, whatever the registry would like", async () => {
    await using greedy = fakeRegistry(({ path, authorization }, url) => {
      if (path.startsWith("/token")) return Response.json({ token: "T" });
      const scope = "repository:app:pull,push,delete,* registry:catalog:* repository:app:delete";
      return authorization === "Bearer T"
        ? page()
        : challenge(`Bearer realm="${url}/token",service="s",scope="${scope}"`);
    });

    await tags(connectAs(greedy.url));

    const query = new URLSearchParams(greedy.heard[1]?.path.split("?")[1]);
    expect(query.getAll("scope")).toEqual(["repository:app:pull"]);
  });
});

describe("a challenge", () => {
  test.each([
    ["with a quote that does not end", `Bearer realm="http://127.0.0.1/token`],
    ["with a hundred ways", Array.from({ length: 100 }, (_, n) => `X${n} a="b"`).join(", ")],
    ["of nothing but commas", ",".repeat(10_000)],
    ["of backslashes", `Bearer realm="${"\\".repeat(10_000)}`],
    ["in no known way", "Negotiate"],
    ["without a realm", "Bearer"],
    ["of 30 KiB", `Bearer realm="${"a".repeat(30_000)}"`],
  ])("%s gets nothing", async (_, header) => {
    await using hostile = fakeRegistry(() => challenge(header));

    const failure = await failureOf(tags(connectAs(hostile.url)));

    expect(["CREDENTIALS", "REMOTE"]).toContain(failure.kind);
    expect(hostile.heard.map(({ authorization }) => authorization)).toEqual([null]);
  });

  test("of a mebibyte is not even read", async () => {
    await using hostile = await rawServer((socket) =>
      socket.write(
        `HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Basic realm="${"a".repeat(1024 * 1024)}"\r\n\r\n`,
      ),
    );

    expect((await failureOf(tags(connectAs(hostile.url)))).message).toContain("head of its answer");
  });

  test.each([
    `Basic realm="x", Bearer realm="URL/token",service="s"`,
    `Bearer realm="URL/token",service="s", Basic realm="x"`,
  ])("for both a password and a token gets the token: %p", async (header) => {
    await using registry = fakeRegistry(({ path, authorization }, url) => {
      if (path.startsWith("/token")) return Response.json({ token: "T" });
      return authorization === "Bearer T" ? page() : challenge(header.replace("URL", url));
    });

    expect(await tags(connectAs(registry.url))).toEqual(["1"]);
    expect(registry.heard.map(({ authorization }) => authorization)).toEqual([
      null,
      BASIC,
      "Bearer T",
    ]);
  });

  test("that comes for ever ends after one more try, for many requests together as well", async () => {
    await using hostile = fakeRegistry(({ path }, url) =>
      path.startsWith("/token") ? Response.json({ token: "T" }) : bearer(`${url}/token`),
    );
    const connection = connectAs(hostile.url, { retries: 5 });

    const failures = await Promise.all(
      Array.from({ length: 20 }, async () => await failureOf(tags(connection))),
    );

    expect(failures.map(({ kind }) => kind)).toEqual(Array(20).fill("CREDENTIALS"));
    expect(hostile.heard.length).toBeLessThanOrEqual(20 * 3);
  });

  test("to many requests at once has one token fetched for all of them", async () => {
    await using registry = fakeRegistry(async ({ path, authorization }, url) => {
      if (path.startsWith("/token")) {
        await Bun.sleep(20);
        return Response.json({ token: "T" });
      }
      return authorization === "Bearer T" ? page() : bearer(`${url}/token`);
    });
    const connection = connectAs(registry.url);

    await Promise.all(Array.from({ length: 8 }, async () => await tags(connection)));

    expect(registry.heard.filter(({ path }) => path.startsWith("/token"))).toHaveLength(1);
  });
});

describe("a token", () => {
  test.each([
    ["of a mebibyte and more", () => new Response(`{"token":"${"a".repeat(1024 * 1024)}"}`)],
    ["of 100 KiB", () => Response.json({ token: "a".repeat(100_000) })],
    ["with a header in it", () => Response.json({ token: "a\r\nx-evil: 1" })],
    ["that is none", () => Response.json({ token: { a: 1 } })],
    ["in a web page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["that is an array", () => Response.json(["T"])],
    ["deep below", () => new Response("[".repeat(100_000))],
  ])("%s is refused", async (_, answer) => {
    await using hostile = fakeRegistry(({ path }, url) =>
      path.startsWith("/token") ? answer() : bearer(`${url}/token`),
    );

    const failure = await failureOf(tags(connectAs(hostile.url)));

    expect(failure.kind).toBe("REMOTE");
    expect(failure.message).not.toContain(CANARY);
    expect(hostile.heard).toHaveLength(2);
  });

  test("that is good for ever is asked for again after a day, one of yesterday at once", async () => {
    for (const expires_in of [1e300, -5, "soon"]) {
      await using registry = fakeRegistry(({ path, authorization }, url) => {
        if (path.startsWith("/token")) return Response.json({ token: "T", expires_in });
        return authorization === "Bearer T" ? page() : bearer(`${url}/token`);
      });
      expect(await tags(connectAs(registry.url))).toEqual(["1"]);
    }
  });
});
