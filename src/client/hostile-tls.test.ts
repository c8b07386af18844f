import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Pair,
  hostCertificate,
  selfSigned,
  signedBy,
  textsOf,
} from "../../test/support/certificates.ts";
import { failureOf } from "../../test/support/failure.ts";
import { fakeProxy } from "../../test/support/fake-proxy.ts";
import { type FakeRegistry, fakeRegistry } from "../../test/support/fake-registry.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { group } from "../../test/support/group.ts";
import { BASIC, challenge, connectAs, tagsOfApp as tags } from "../../test/support/hostile.ts";

const page = (): Response => Response.json({ name: "app", tags: ["1"] });
/** Every name is this machine. */
const around = { lookUp: async () => ["127.0.0.1"] };

group("a certificate", ["openssl"], () => {
  let folder: Folder;
  let ca: Pair;
  beforeAll(async () => {
    folder = await temporaryFolder();
    ca = await selfSigned(folder.path, "authority");
  });
  afterAll(async () => await folder[Symbol.asyncDispose]());

  async function serving(
    name: string,
    names?: string,
    days?: number,
    answer: Parameters<typeof fakeRegistry>[0] = page,
  ): Promise<FakeRegistry> {
    const wish = { name, ...(names && { names }), ...(days && { days }) };
    return fakeRegistry(answer, await textsOf(await hostCertificate(ca, folder.path, wish)));
  }

  test("of the authority that is configured is believed, for its address and its name", async () => {
    await using registry = await serving("good", "IP:127.0.0.1,DNS:registry.test");
    const { port } = new URL(registry.url);

    for (const host of ["127.0.0.1", "registry.test"]) {
      const connection = connectAs(`https://${host}:${port}`, { ca: ca.certificate }, around);
      expect(await tags(connection)).toEqual(["1"]);
    }
    expect(registry.heard[1]?.headers["host"]).toBe(`registry.test:${port}`);
  });

  test.each([
    ["that has expired", "expired", "DNS:registry.test", -1],
    ["for another host", "elsewhere", "DNS:other.test", 2],
    ["for the domain above", "above", "DNS:test", 2],
    ["for the address alone", "address", "IP:127.0.0.1", 2],
  ])("%s is refused before anything is said", async (_, name, names, days) => {
    await using hostile = await serving(name, names, days);
    const { port } = new URL(hostile.url);
    const connection = connectAs(`https://registry.test:${port}`, { ca: ca.certificate }, around);

    expect((await failureOf(tags(connection))).message).toContain("certificate is not trusted");
    expect(hostile.heard).toHaveLength(0);
  });

  test("that has signed itself, or an unknown authority has, is refused", async () => {
    await using own = fakeRegistry(page, await textsOf(await selfSigned(folder.path, "own")));
    await using unknown = await serving("unknown");

    for (const hostile of [own, unknown]) {
      expect((await failureOf(tags(connectAs(hostile.url)))).message).toContain("not trusted");
      expect(hostile.heard).toHaveLength(0);
    }
  });

  test("of the configured authority is not the only one: the usual ones still count", async () => {
    const other = await selfSigned(folder.path, "usual");
    const wish = { name: "public", names: "DNS:registry.test" };
    await using registry = fakeRegistry(
      page,
      await textsOf(await hostCertificate(other, folder.path, wish)),
    );
    const { port } = new URL(registry.url);
    const script = `
      import { openRegistry } from ${JSON.stringify(import.meta.resolve("./open-registry.ts"))};
      import { listTags } from ${JSON.stringify(import.meta.resolve("./lists.ts"))};
      const entry = { url: "https://registry.test:${port}", ca: ${JSON.stringify(ca.certificate)}, retries: 0 };
      const connection = openRegistry(entry, { environment: {}, lookUp: async () => ["127.0.0.1"] });
      for (let n = 0; n < 3; n++) console.log(await Array.fromAsync(listTags(connection, "app")));
    `;
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: { NODE_EXTRA_CA_CERTS: other.certificate },
      stderr: "inherit",
    });

    expect((await child.stdout.text()).trim()).toBe('[ "1" ]\n[ "1" ]\n[ "1" ]');
  });

  test("that nobody checks at the registry is checked at its token server", async () => {
    await using auth = await serving("auth", "DNS:auth.test", 2, () =>
      Response.json({ token: "T" }),
    );
    const authPort = new URL(auth.url).port;
    await using registry = await serving("registry", "DNS:other.test", 2, () =>
      challenge(`Bearer realm="https://auth.registry.test:${authPort}/token"`),
    );
    const { port } = new URL(registry.url);
    const connection = connectAs(
      `https://registry.test:${port}`,
      { insecure: true, tokenServers: [`auth.registry.test:${authPort}`] },
      around,
    );

    expect((await failureOf(tags(connection))).message).toContain("certificate is not trusted");
    expect(registry.heard).toHaveLength(1);
    expect(auth.heard).toHaveLength(0);
  });

  test("that nobody checks stays unchecked when the token server is the same host", async () => {
    await using registry = await serving(
      "same",
      "DNS:other.test",
      2,
      ({ path, authorization }, url) => {
        if (path.startsWith("/token")) return Response.json({ token: "T" });
        return authorization === "Bearer T" ? page() : challenge(`Bearer realm="${url}/token"`);
      },
    );

    expect(await tags(connectAs(registry.url, { insecure: true }))).toEqual(["1"]);
    expect(registry.heard[1]?.authorization).toBe(BASIC);
  });

  test("that was let through once does not let in who wants to be sure, by name and by address", async () => {
    await using hostile = await serving("once", "DNS:other.test");
    const { port } = new URL(hostile.url);

    for (const host of ["127.0.0.1", "registry.test"]) {
      const url = `https://${host}:${port}`;
      expect(await tags(connectAs(url, { insecure: true }, around))).toEqual(["1"]);
      expect((await failureOf(tags(connectAs(url, {}, around)))).message).toContain("not trusted");
    }
  });

  test.each(["token server", "redirect"])(
    "is not done without on the way down to http: %s",
    async (way) => {
      await using plain = fakeRegistry(() => Response.json({ token: "T" }));
      await using hostile = await serving("down", undefined, 2, () =>
        way === "redirect"
          ? new Response(null, { status: 307, headers: { location: `${plain.url}/` } })
          : challenge(`Bearer realm="${plain.url}/token"`),
      );

      const failure = await failureOf(tags(connectAs(hostile.url, { ca: ca.certificate })));

      expect(failure.message).toMatch(/were not sent|from https to http/);
      expect(plain.heard).toHaveLength(0);
    },
  );

  test("is checked behind a proxy too, which hears no more than the name", async () => {
    await using good = await serving("proxied", "DNS:registry.test");
    await using proxy = await fakeProxy({ "registry.test": Number(new URL(good.url).port) });
    const entry = { proxy: proxy.url.replace("//", "//me:proxy-password@"), ca: ca.certificate };

    expect(await tags(connectAs("https://registry.test", entry, around))).toEqual(["1"]);
    const other = connectAs("https://other.registry.test", { ...entry }, around);
    await failureOf(tags(other));
    const unknown = connectAs("https://registry.test", { proxy: proxy.url }, around);
    expect((await failureOf(tags(unknown))).message).toContain("not trusted");

    expect(proxy.asked[0]).toBe("registry.test:443");
    expect(proxy.shown[0]).toBe(`Basic ${btoa("me:proxy-password")}`);
    expect(good.heard.map(({ headers }) => headers["proxy-authorization"])).toEqual([undefined]);
  });

  describe("in certs.d", () => {
    test("is believed, and ours is shown, at that host alone", async () => {
      const ours = await signedBy(ca, folder.path, "ours");
      const mutual = { name: "mutual", names: "DNS:registry.test,DNS:other.test" };
      const pair = await textsOf(await hostCertificate(ca, folder.path, mutual));
      await using registry = fakeRegistry(page, { ...pair, clients: (await textsOf(ca)).cert });
      const { port } = new URL(registry.url);
      const own = await folder.folder("certs.d", `registry.test:${port}`);
      await copyFile(ca.certificate, join(own, "ca.crt"));
      await copyFile(ours.certificate, join(own, "client.cert"));
      await copyFile(ours.key, join(own, "client.key"));
      const certificates = [folder.at("nowhere"), folder.at("certs.d")];

      const here = { ...around, certificates };
      expect(await tags(connectAs(`https://registry.test:${port}`, {}, here))).toEqual(["1"]);
      const other = connectAs(`https://other.test:${port}`, {}, here);
      expect((await failureOf(tags(other))).message).toContain("not trusted");
      // Believed now, and not shown anything.
      const entry = { ca: ca.certificate };
      await failureOf(tags(connectAs(`https://other.test:${port}`, entry, here)));
      expect(registry.heard).toHaveLength(1);
    });

    test.each([
      [
        "a client's certificate without its key",
        { "client.cert": "cert" },
        "has no client.key beside it",
      ],
      ["an authority that is none", { "ca.crt": "hello" }, "has no certificate in it"],
    ])("with %s is an error before anything is asked", async (_, files, why) => {
      await using place = await temporaryFolder();
      await mkdir(place.at("registry.test"));
      for (const [file, text] of Object.entries(files))
        await writeFile(place.at("registry.test", file), text);

      expect(() => connectAs("https://registry.test", {}, { certificates: [place.path] })).toThrow(
        why,
      );
    });
  });

  test.each([
    ["is not there", "/nowhere/ca.pem", "ca: /nowhere/ca.pem cannot be read (ENOENT)"],
    ["is no certificate", import.meta.path, "has no certificate in it"],
  ])("authority that %s is an error before anything is asked", (_, file, why) => {
    expect(() => connectAs("https://registry.test", { ca: file })).toThrow(why);
  });
});
