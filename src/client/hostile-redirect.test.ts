import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry } from "../../test/support/fake-registry.ts";
import {
  BASIC,
  challenge,
  connectAs,
  connectAsNobody,
  publicRegistry,
  tagsOfApp as tags,
  tagsPage as page,
} from "../../test/support/hostile.ts";
import { openTransport } from "./http/transport.ts";

function redirect(location: string, status = 307): Response {
  return new Response(null, { status, headers: { location } });
}

describe("a redirect of a registry out in the internet", () => {
  test.each([
    "http://10.0.0.1/",
    "http://127.0.0.1:6379/",
    "http://localhost:6379/",
    "http://169.254.169.254/latest/meta-data/iam/",
    "http://[::ffff:192.168.0.1]/",
    "http://[fe80::1]/",
    "http://0/",
    "http://127%E3%80%820%E3%80%820%E3%80%821/",
    "http://3232235521/",
    "http://auth.example.com/",
    "http://cdn.example.net/",
    "//10.0.0.1/",
    "\\\\10.0.0.1\\",
  ])("to %p is not followed", async (location) => {
    await using hostile = await publicRegistry(() => redirect(location), {
      localhost: ["127.0.0.1"],
      "auth.example.com": ["172.16.0.1"],
      "cdn.example.net": ["93.184.216.34", "192.168.0.1"],
    });
    const { url, entry, around, proxy } = hostile;

    for (const connect of [connectAs, connectAsNobody]) {
      const asked = tags(connect(url, { ...entry, privateRealm: true }, around));
      expect((await failureOf(asked)).message).toContain("not for it to name");
    }
    expect(new Set(proxy.asked)).toEqual(new Set(["registry.example.com"]));
  });

  test("to another public host is followed, and what was left out does not come back", async () => {
    await using hostile = await publicRegistry(({ path, authorization, headers }) => {
      if (headers["host"] === "cdn.example.net")
        return redirect("http://registry.example.com/back");
      if (path === "/back") return page();
      return authorization === BASIC ? redirect("http://cdn.example.net/x") : challenge("Basic");
    });
    const { url, entry, around, registry } = hostile;

    expect(await tags(connectAs(url, entry, around))).toEqual(["1"]);
    expect(registry.heard.map(({ path, authorization }) => [path, authorization])).toEqual([
      ["/v2/app/tags/list?n=1000", null],
      ["/v2/app/tags/list?n=1000", BASIC],
      ["/x", null],
      ["/back", null],
    ]);
  });
});

describe("a redirect", () => {
  test("to what clouds keep is not followed from this machine either", async () => {
    await using hostile = fakeRegistry(() => redirect("http://169.254.169.254/latest/"));

    expect((await failureOf(tags(connectAs(hostile.url)))).message).toContain("not for it to name");
  });

  test("in a loop of fifty is left after five", async () => {
    let hops = 0;
    await using hostile = fakeRegistry(() => redirect(`/${++hops % 50}`));

    expect((await failureOf(tags(connectAs(hostile.url)))).message).toContain("too often");
    expect(hostile.heard).toHaveLength(6);
  });

  test("to the same host at another port does not take the password along", async () => {
    await using other = fakeRegistry(page);
    await using hostile = fakeRegistry(({ authorization }) =>
      authorization === BASIC ? redirect(`${other.url}/x`) : challenge("Basic"),
    );

    expect(await tags(connectAs(hostile.url))).toEqual(["1"]);
    expect(other.heard.map(({ authorization }) => authorization)).toEqual([null]);
  });

  test("of a token server does not take the password or the answer of a private place along", async () => {
    await using hostile = await publicRegistry(({ path }, url) => {
      if (path.startsWith("/token")) return redirect("http://10.0.0.1/token");
      return challenge(`Bearer realm="${url.replace("registry", "auth")}/token"`);
    });
    const { url, entry, around, proxy } = hostile;

    const asked = tags(connectAs(url, { ...entry, privateRealm: true }, around));

    expect((await failureOf(asked)).message).toContain("not for it to name");
    expect(proxy.asked).toEqual(["registry.example.com", "auth.example.com"]);
  });
});

describe("a name", () => {
  test("is looked up once, and what was looked up is connected to: nobody else has to know it", async () => {
    await using registry = fakeRegistry(page);
    const { port } = new URL(registry.url);
    const lookedUp: string[] = [];
    const lookUp = async (name: string) => {
      // Another answer each time, as who rebinds a name gives.
      return lookedUp.push(name) === 1 ? ["127.0.0.1"] : ["169.254.169.254"];
    };
    const connection = connectAs(`http://registry.test:${port}`, {}, { lookUp });

    for (let asked = 0; asked < 5; asked++) expect(await tags(connection)).toEqual(["1"]);

    expect(lookedUp).toEqual(["registry.test"]);
    expect(registry.heard[4]?.headers["host"]).toBe(`registry.test:${port}`);
  });

  test("that becomes this machine after it was named by somebody else is not asked", async () => {
    await using here = fakeRegistry(page);
    const { port } = new URL(here.url);
    const send = openTransport({
      insecureHostname: null,
      stallMs: 5000,
      lookUp: async () => ["127.0.0.1"],
    });

    const asked = send({
      method: "GET",
      url: new URL(`http://cdn.example.net:${port}/`),
      namedBy: { peer: "93.184.216.34" },
    });

    expect((await failureOf(asked)).message).toContain("not for it to name");
    expect(here.heard).toHaveLength(0);
  });

  test("with an address where nobody is has the next one asked, and that is remembered", async () => {
    await using registry = fakeRegistry(page);
    const { port } = new URL(registry.url);
    // Nothing listens at this one, also of this machine.
    const lookUp = async () => ["127.0.0.9", "127.0.0.1"];
    const connection = connectAs(`http://registry.test:${port}`, {}, { lookUp });

    expect(await tags(connection)).toEqual(["1"]);
    expect(await tags(connection)).toEqual(["1"]);
  });

  test("that nobody knows is an error that says so", async () => {
    const lookUp = () =>
      Promise.reject(Object.assign(new Error("secret detail"), { code: "ENOTFOUND" }));

    const failure = await failureOf(tags(connectAs("http://registry.test", {}, { lookUp })));

    expect(failure.message).toContain("http://registry.test: there is no such host");
    expect(failure.message).not.toContain("secret");
  });
});
