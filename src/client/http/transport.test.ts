import { describe, expect, test } from "bun:test";
import { failureOf } from "../../../test/support/failure.ts";
import { type FakeRegistry, fakeRegistry } from "../../../test/support/fake-registry.ts";
import { temporaryFolder } from "../../../test/support/folder.ts";
import type { Reply } from "./reply.ts";
import { openTransport } from "./transport.ts";

const send = openTransport({ insecureHostname: null, stallMs: 30_000 });

function redirect(location: string, status = 307): Response {
  return new Response(null, { status, headers: { location } });
}

async function get(url: string, transport = send, method = "GET"): Promise<Reply> {
  return await transport({ method, url: new URL(url), authorization: "Basic secret" });
}

async function text(reply: Reply): Promise<string> {
  return new TextDecoder().decode(await reply.read(1000));
}

function credentialsSeenBy({ heard }: FakeRegistry): (string | null)[] {
  return heard.map(({ authorization }) => authorization);
}

describe("a redirect", () => {
  test("within the registry is followed with the credentials", async () => {
    await using server = fakeRegistry(({ path }) =>
      path === "/a" ? redirect("/b") : new Response("b"),
    );

    expect(await text(await get(`${server.url}/a`))).toBe("b");
    expect(credentialsSeenBy(server)).toEqual(["Basic secret", "Basic secret"]);
  });

  test("to another port is followed without them, and they come back only with the way", async () => {
    await using other = fakeRegistry((_, url) =>
      other.heard.length === 1 ? redirect(`${url}/again`) : new Response("there"),
    );
    await using server = fakeRegistry(() => redirect(`${other.url}/there`));

    const reply = await get(server.url);

    expect(await text(reply)).toBe("there");
    expect(reply.url.origin).toBe(other.url);
    expect(credentialsSeenBy(other)).toEqual([null, null]);
  });

  test("without end is given up", async () => {
    await using server = fakeRegistry(({ path }) => redirect(`${path}x`));

    expect((await failureOf(get(server.url))).message).toContain("redirects too often");
    expect(server.heard.length).toBeLessThan(10);
  });

  test.each(["", "http://", "ftp://127.0.0.1/", "file:///etc/passwd", "http://me:x@127.0.0.1/"])(
    "to %p is not followed",
    async (location) => {
      await using server = fakeRegistry(() => redirect(location));

      if (location === "") {
        // Nothing but the address itself: that has no end either.
        expect((await failureOf(get(server.url))).message).toContain("redirects");
      } else {
        expect((await failureOf(get(server.url))).message).toContain("no usable address");
      }
    },
  );

  test("of a DELETE is not followed", async () => {
    await using server = fakeRegistry(() => redirect("/b"));

    expect((await failureOf(get(server.url, send, "DELETE"))).message).toContain(
      "redirects a DELETE",
    );
    expect(server.heard).toHaveLength(1);
  });
});

describe("a registry that falls silent", () => {
  const impatient = openTransport({ insecureHostname: null, stallMs: 150 });

  test("before its answer is given up", async () => {
    await using server = fakeRegistry(() => new Promise(() => {}));

    expect((await failureOf(get(server.url, impatient))).message).toContain("no answer within");
  });

  test("in the middle of its answer is given up", async () => {
    await using server = fakeRegistry(
      () => new Response(new ReadableStream({ start: (body) => body.enqueue("{") })),
    );

    const reply = await get(server.url, impatient);

    expect((await failureOf(reply.read(1000))).message).toContain("no answer within");
  });

  test("but goes on in time is waited for", async () => {
    // Longer altogether than it may be silent; and a busy machine may well sleep twice as long.
    const patient = openTransport({ insecureHostname: null, stallMs: 1000 });
    async function* slowly() {
      for (let piece = 0; piece < 6; piece++) {
        await Bun.sleep(200);
        yield new TextEncoder().encode("x");
      }
    }
    await using server = fakeRegistry(() => new Response(slowly()));

    expect(await text(await get(server.url, patient))).toBe("xxxxxx");
  });
});

describe("an address where nothing answers", () => {
  test("is named without its path and query, which may hold secrets", async () => {
    const server = fakeRegistry(() => new Response());
    await server[Symbol.asyncDispose]();

    expect((await failureOf(get(`${server.url}/v2/?sig=hunter2`))).message).toContain(
      `${server.url}: nothing listens there`,
    );
  });

  test("over https that speaks http is told apart", async () => {
    await using server = fakeRegistry(() => new Response());

    expect((await failureOf(get(`https://${server.host}`))).message).toContain(
      "does not speak TLS",
    );
  });
});

test("a registry on this machine is asked directly, whatever proxy is set", async () => {
  await using server = fakeRegistry(() => new Response("direct"));
  const script = `
    import { openTransport } from ${JSON.stringify(import.meta.resolve("./transport.ts"))};
    const send = openTransport({ insecureHostname: null, stallMs: 5000 });
    const reply = await send({ method: "GET", url: new URL(${JSON.stringify(server.url)}) });
    console.log(new TextDecoder().decode(await reply.read(100)));
  `;
  const child = Bun.spawn([process.execPath, "-e", script], {
    // Nothing listens on port 1.
    env: { http_proxy: "http://127.0.0.1:1", HTTP_PROXY: "http://127.0.0.1:1" },
    stderr: "inherit",
  });

  expect((await child.stdout.text()).trim()).toBe("direct");
});

const openssl = Bun.which("openssl");
const certified = describe.skipIf(openssl === null);

certified(
  `a certificate that nobody vouches for${openssl ? "" : " (openssl was not found)"}`,
  () => {
    async function selfSigned() {
      await using folder = await temporaryFolder();
      const [key, cert] = [folder.at("key.pem"), folder.at("cert.pem")];
      const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
      const made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert];
      Bun.spawnSync([openssl ?? "", "req", "-x509", ...made, ...subject], { stderr: "ignore" });
      return { key: await Bun.file(key).text(), cert: await Bun.file(cert).text() };
    }

    test("is refused, and taken with --insecure for that host alone", async () => {
      const tls = await selfSigned();
      await using server = fakeRegistry(() => new Response("secure"), tls);
      const lax = openTransport({ insecureHostname: "127.0.0.1", stallMs: 5000 });
      const laxElsewhere = openTransport({ insecureHostname: "localhost", stallMs: 5000 });

      expect((await failureOf(get(server.url))).message).toContain("certificate is not trusted");
      expect((await failureOf(get(server.url, laxElsewhere))).message).toContain(
        "certificate is not trusted",
      );
      expect(await text(await get(server.url, lax))).toBe("secure");
      // A connection that was once let through must not serve one who wants to be sure.
      expect((await failureOf(get(server.url))).message).toContain("certificate is not trusted");
    });

    test("does not let a registry lead from https to http", async () => {
      const tls = await selfSigned();
      await using plain = fakeRegistry(() => new Response("plain"));
      await using server = fakeRegistry(() => redirect(`${plain.url}/`), tls);
      const lax = openTransport({ insecureHostname: "127.0.0.1", stallMs: 5000 });

      expect((await failureOf(get(server.url, lax))).message).toContain(
        "redirects from https to http",
      );
      expect(plain.heard).toHaveLength(0);
    });

    test("does not make a token server without TLS one that gets the password", async () => {
      const tls = await selfSigned();
      await using plain = fakeRegistry(() => Response.json({ token: "T" }));
      const answer = { "www-authenticate": `Bearer realm="${plain.url}/token"` };
      await using server = fakeRegistry(
        () => new Response(null, { status: 401, headers: answer }),
        tls,
      );
      const { openConnection } = await import("../connection.ts");
      const { parseAddress } = await import("../address.ts");
      const find = async () =>
        ({ kind: "password", username: "me", password: "hunter2", from: "a test" }) as const;
      const connection = openConnection(parseAddress(server.url), {
        credentials: { find },
        insecure: true,
      });

      const asked = connection.ask({ method: "GET", path: "/v2/", scope: "" });

      expect((await failureOf(asked)).message).toContain("they were not sent");
      expect(plain.heard).toHaveLength(0);
    });
  },
);
