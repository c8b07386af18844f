import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry } from "../../test/support/fake-registry.ts";
import { connectAsNobody } from "../../test/support/hostile.ts";
import { image } from "../../test/support/image.ts";
import { rawServer } from "../../test/support/raw-server.ts";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseReference } from "../oci/reference.ts";
import { readBlob } from "./blobs.ts";
import { Deadline } from "./http/deadline.ts";
import { Reply } from "./http/reply.ts";
import { deleteManifest, getManifest, resolveDigest } from "./manifests.ts";

const name = parseName("app");
const tag = parseReference("1");
const one = image();
const byDigest = parseReference(one.digest);
const bytes = new TextEncoder().encode('{"architecture":"amd64"}');
const digest = digestOf(bytes);
const MiB = 1024 * 1024;

function manifest(of = one, headers: Record<string, string> = {}): Response {
  const known = { "content-type": of.mediaType, "docker-content-digest": of.digest };
  return new Response(of.bytes, { headers: { ...known, ...headers } });
}

/** Goes on for as long as somebody reads. */
function endless(sent: { bytes: number }): ReadableStream {
  const piece = new Uint8Array(64 * 1024).fill(0x20);
  return new ReadableStream({
    pull(body) {
      sent.bytes += piece.length;
      body.enqueue(piece);
    },
  });
}

describe("an endless body", () => {
  test("of a manifest is left at its limit, and nobody goes on listening", async () => {
    const sent = { bytes: 0 };
    await using hostile = fakeRegistry(() => new Response(endless(sent)));

    const asked = getManifest(connectAsNobody(hostile.url), name, tag);

    expect((await failureOf(asked)).message).toContain("larger than 8 MiB");
    await Bun.sleep(50);
    const then = sent.bytes;
    await Bun.sleep(100);
    expect(sent.bytes).toBe(then);
    expect(then).toBeLessThan(32 * MiB);
  });

  test.each([
    ["of an error", (sent: { bytes: number }) => new Response(endless(sent), { status: 500 })],
    ["of a 401", (sent: { bytes: number }) => new Response(endless(sent), { status: 401 })],
    [
      "of a redirect",
      (sent: { bytes: number }) =>
        new Response(endless(sent), { status: 307, headers: { location: "/" } }),
    ],
    [
      "of what is unwanted",
      (sent: { bytes: number }) =>
        new Response(endless(sent), { headers: { "content-encoding": "gzip" } }),
    ],
  ])("%s is not read either", async (_, answer) => {
    const sent = { bytes: 0 };
    await using hostile = fakeRegistry(() => answer(sent));

    await failureOf(getManifest(connectAsNobody(hostile.url), name, tag));

    await Bun.sleep(50);
    // What stands in the buffers of six connections at most.
    expect(sent.bytes).toBeLessThan(64 * MiB);
  });

  test("of one byte now and then is given up when the whole takes too long", async () => {
    const drip = new ReadableStream({
      async pull(body) {
        await Bun.sleep(20);
        body.enqueue(new Uint8Array(1));
      },
    });
    const began = performance.now();
    const deadline = new Deadline(100, 300);
    deadline.signal.addEventListener("abort", () => void drip.cancel().catch(() => {}));
    // What `fetch` does with the body of an answer whose signal is aborted.
    const body = drip.pipeThrough(new TransformStream(), { signal: deadline.signal });
    const reply = new Reply(new Response(body), deadline, "GET", new URL("http://registry/"));

    expect((await failureOf(reply.read(MiB))).message).toContain("or not to its end");
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("of headers is not waited for", async () => {
    await using hostile = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nX-A: ");
      const go = (): void => {
        while (!socket.destroyed && socket.write("a".repeat(65_536)));
      };
      socket.on("drain", go);
      go();
    });

    const asked = getManifest(connectAsNobody(hostile.url), name, tag);

    expect((await failureOf(asked)).message).toContain("head of its answer is too large");
  });

  test.each([
    ["65 KiB in one header", `X-A: ${"a".repeat(65 * 1024)}\r\n`],
    ["a hundred headers of a KiB", `X-A: ${"a".repeat(1024)}\r\n`.repeat(100)],
    ["a thousand headers", "X-A: a\r\n".repeat(1000)],
  ])("of headers has an end: %s", async (_, headers) => {
    await using hostile = await rawServer((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${headers}\r\n`),
    );

    const asked = getManifest(connectAsNobody(hostile.url), name, tag);

    expect((await failureOf(asked)).kind).toBe("REMOTE");
  });
});

describe("an answer that is no HTTP", () => {
  test.each([
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
    ],
    ["a length below nothing", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok"],
    ["an absurd length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok"],
    [
      "a line feed in a header",
      "HTTP/1.1 200 OK\r\nLocation: http://a/\rb\r\nContent-Length: 0\r\n\r\n",
    ],
    ["nothing of it", "220 smtp ready\r\n"],
  ])("with %s is refused", async (_, answer) => {
    await using hostile = await rawServer((socket) => void socket.end(answer));

    const asked = getManifest(connectAsNobody(hostile.url), name, tag);

    expect((await failureOf(asked)).kind).toBe("REMOTE");
  });
});

describe("an encoding", () => {
  test("is asked not to be used", async () => {
    await using registry = fakeRegistry(() => manifest());

    await getManifest(connectAsNobody(registry.url), name, tag);

    expect(registry.heard[0]?.headers["accept-encoding"]).toBe("identity");
  });

  test.each(["gzip", "br", "zstd", "deflate", "gzip, gzip", "x-unknown", "identity, gzip"])(
    "of %p is refused whatever is in it, and nothing is unpacked",
    async (encoding) => {
      const bomb = Bun.gzipSync(new Uint8Array(64 * MiB));
      await using hostile = fakeRegistry(() =>
        manifest({ ...one, bytes: bomb }, { "content-encoding": encoding }),
      );
      const before = process.memoryUsage().rss;

      const asked = getManifest(connectAsNobody(hostile.url), name, tag);

      expect((await failureOf(asked)).message).toContain("its answer is packed");
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * MiB);
    },
  );

  test.each(["identity", ""])("of %p is none", async (encoding) => {
    await using registry = fakeRegistry(() => manifest(one, { "content-encoding": encoding }));

    expect((await getManifest(connectAsNobody(registry.url), name, tag)).bytes).toEqual(one.bytes);
  });
});

describe("a blob that a manifest names", () => {
  const served = (content: Uint8Array<ArrayBuffer>) =>
    fakeRegistry(() => new Response(content, { headers: { "docker-content-digest": digest } }));

  test("comes when it is what the manifest says", async () => {
    await using registry = served(bytes);
    const wanted = { digest, size: bytes.length };

    expect(await readBlob(connectAsNobody(registry.url), name, wanted, MiB)).toEqual(bytes);
  });

  test.each([
    ["one byte less than there are", bytes.length - 1, "is larger than"],
    ["one byte more than there are", bytes.length + 1, "not as many"],
    ["more than we would read", 2 * MiB, "more than it is worth"],
  ])("of a size of %s is refused", async (_, size, why) => {
    await using registry = served(bytes);

    const asked = readBlob(connectAsNobody(registry.url), name, { digest, size }, MiB);

    expect((await failureOf(asked)).message).toContain(why);
  });

  test("of the right size with other bytes is refused, whatever its header says", async () => {
    const other = bytes.map((byte) => byte ^ 1);
    await using hostile = served(other);
    const wanted = { digest, size: bytes.length };

    const asked = readBlob(connectAsNobody(hostile.url), name, wanted, MiB);

    expect((await failureOf(asked)).message).toContain("not those of its digest");
  });
});

describe("a registry that says one thing and then another", () => {
  const other = image();

  test("to a HEAD and to a GET is found out before anything is believed", async () => {
    await using hostile = fakeRegistry(({ method }) =>
      method === "HEAD"
        ? new Response(null, { headers: { "docker-content-digest": other.digest } })
        : manifest(),
    );
    const connection = connectAsNobody(hostile.url);

    const said = await resolveDigest(connection, name, tag);

    expect(said).toBe(other.digest as never);
    expect((await failureOf(getManifest(connection, name, said))).message).toContain(
      "has not the digest",
    );
  });

  test("of a tag at each request gives each time one whole manifest", async () => {
    let turn = 0;
    await using hostile = fakeRegistry(() => manifest(turn++ % 2 === 0 ? one : other));
    const connection = connectAsNobody(hostile.url);

    for (const expected of [one, other, one]) {
      const { digest: got, bytes: content } = await getManifest(connection, name, tag);
      expect([got, content]).toEqual([expected.digest, expected.bytes] as never);
      expect(digestOf(content)).toBe(got);
    }
  });

  test.each(["text/html", "text/html; charset=utf-8", "TEXT/HTML"])(
    "with a web page of type %p for a manifest is no registry",
    async (type) => {
      await using server = fakeRegistry(({ method }) =>
        method === "HEAD"
          ? new Response(null, { headers: { "content-type": type } })
          : new Response("<html>Sign in", { headers: { "content-type": type } }),
      );
      const connection = connectAsNobody(server.url);

      for (const asked of [getManifest, resolveDigest]) {
        expect((await failureOf(asked(connection, name, tag))).message).toContain("web page");
      }
    },
  );
});

describe("a delete of which nobody knows whether it was done", () => {
  /** Breaks the answers to the first deletes; `done`: after having done them. */
  function breaking(times: number, done: boolean) {
    let there = true;
    let deletes = 0;
    const registry = fakeRegistry(({ method }) => {
      if (method === "HEAD") return new Response(null, { status: there ? 200 : 404 });
      if (!there) return new Response(null, { status: 404 });
      if (++deletes > times || done) there = false;
      return new Response(null, { status: deletes > times ? 202 : 502 });
    });
    return { registry, asked: () => registry.heard.map(({ method }) => method).join(" ") };
  }

  test("and that was done, is looked for and not repeated", async () => {
    const { registry, asked } = breaking(1, true);
    await using _ = registry;

    await deleteManifest(connectAsNobody(registry.url), name, byDigest);

    expect(asked()).toBe("DELETE HEAD");
  });

  test("and that was not done, is repeated for a digest", async () => {
    const { registry, asked } = breaking(2, false);
    await using _ = registry;

    await deleteManifest(connectAsNobody(registry.url), name, byDigest);

    expect(asked()).toBe("DELETE HEAD DELETE HEAD DELETE");
  });

  test("and that was not done, is left to the caller for a tag, which may be new by now", async () => {
    const { registry, asked } = breaking(2, false);
    await using _ = registry;

    const failure = await failureOf(deleteManifest(connectAsNobody(registry.url), name, tag));

    expect(failure.kind).toBe("REMOTE");
    expect(asked()).toBe("DELETE HEAD");
  });

  test("is given up in the end", async () => {
    const { registry, asked } = breaking(100, false);
    await using _ = registry;

    await failureOf(deleteManifest(connectAsNobody(registry.url), name, byDigest));

    expect(
      asked()
        .split(" ")
        .filter((method) => method === "DELETE"),
    ).toHaveLength(4);
  });
});

describe("a path", () => {
  test.each([
    "/v2/../api/v1/trash",
    "/v2/a/%2e%2e/b",
    "/v2/app#x",
    "@evil.example.org/",
    "/v2\\app",
    "/v2/a\nb",
  ])("of %p is never asked for", async (path) => {
    await using registry = fakeRegistry(() => manifest());

    const asked = connectAsNobody(registry.url).ask({ method: "GET", path, scope: "" });

    expect(await asked.catch(() => "refused")).toBe("refused");
    expect(registry.heard).toHaveLength(0);
  });
});
