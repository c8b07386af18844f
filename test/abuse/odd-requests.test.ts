import { describe, expect, test } from "bun:test";
import { image } from "../support/image.ts";
import { mediaTypes, randomBytes } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { withDigest } from "../support/push.ts";
import {
  digest,
  emptyConfig,
  fresh,
  indexText,
  manifestText,
  pushBytes,
  putManifest,
  startUpload,
} from "../protocol/support/content.ts";
import { ask } from "../protocol/support/http.ts";
import { connectRaw, exchange, rawRequest } from "../protocol/support/raw.ts";
import { expectAlive, expectRefusal, leavingNoTrace } from "../protocol/support/refused.ts";
import { freshName, sharedRegistry, startRegistry } from "../protocol/support/registry.ts";

const registry = sharedRegistry();

async function repository(): Promise<string> {
  const name = freshName("odd");
  await pushBytes(registry.url, name, emptyConfig.bytes);
  return name;
}

describe("requests sent ahead", () => {
  test("a request without a header behind a POST is refused, and the POST is answered", async () => {
    await leavingNoTrace(registry, async () => {
      using connection = await connectRaw(registry.port);
      const post = rawRequest("POST", "/nowhere", { body: "x" });
      await connection.send(
        Buffer.concat([post, Buffer.from("GET /v2/_catalog HTTP/1.1\r\n\r\n")]),
      );
      const all = Buffer.from(await connection.rest()).toString("latin1");
      expect([...all.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
        "404",
        "400",
      ]);
    });
  });

  test("the methods CONNECT and TRACE are no way to anywhere", async () => {
    for (const request of [
      "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n",
      "CONNECT /v2/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "TRACE /v2/ HTTP/1.1\r\nHost: a\r\nAuthorization: Basic c2VjcmV0\r\n\r\n",
    ]) {
      await leavingNoTrace(registry, async () => {
        const answer = await exchange(registry.port, request);
        expect([null, 400, 404, 405]).toContain(answer?.status ?? null);
        expect(answer?.text ?? "").not.toContain("c2VjcmV0");
      });
    }
  });
});

test("If-Match changes nothing: the protocol has no such condition", async () => {
  const name = await repository();
  const stale = { "if-match": `"${digest("other")}"`, "content-type": mediaTypes.image };
  const put = () =>
    registry.ask("PUT", `/v2/${name}/manifests/v1`, { headers: stale, body: manifestText() });
  expect((await put()).status).toBe(201);
  expect((await put()).status).toBe(201);
  for (const method of ["GET", "HEAD"]) {
    expect(
      (await registry.ask(method, `/v2/${name}/manifests/v1`, { headers: stale })).status,
    ).toBe(200);
  }
});

describe("a manifest", () => {
  test("whose layer has another size than it says is taken, and the layer served as it is", async () => {
    const name = await repository();
    const { bytes, descriptor } = fresh(100);
    await pushBytes(registry.url, name, bytes);
    for (const size of [0, 99, 2 ** 40]) {
      const text = manifestText({ layers: [{ ...descriptor, size }] });
      expect((await putManifest(registry.url, name, "v1", text)).status).toBe(201);
    }
    const got = await registry.ask("GET", `/v2/${name}/blobs/${descriptor.digest}`);
    expect([got.headers.get("content-length"), digest(got.bytes)]).toEqual([
      "100",
      descriptor.digest,
    ]);
  });

  test("of an artifact that says it is a web page is served as the manifest that it is", async () => {
    const name = await repository();
    const text = manifestText({ artifactType: "text/html" });
    await putManifest(registry.url, name, "v1", text);
    const got = await registry.ask("GET", `/v2/${name}/manifests/v1`);
    expect([got.headers.get("content-type"), got.headers.get("x-content-type-options")]).toEqual([
      mediaTypes.image,
      "nosniff",
    ]);
  });

  test("with a hundred thousand entries is refused for its size, and one of seventy thousand for what is not there", async () => {
    const name = await repository();
    const entries = (count: number) =>
      indexText(
        Array.from({ length: count }, (_, at) => ({
          mediaType: "a/b",
          digest: `sha256:${at.toString(16).padStart(64, "0")}`,
          size: 1,
        })),
      );
    let working = true;
    const other = (async () => {
      while (working) await expectAlive(registry);
    })();
    const many = await putManifest(registry.url, name, "v1", entries(100_000), mediaTypes.index);
    expectRefusal(many, { status: 413, code: "MANIFEST_INVALID" });
    const fewer = await putManifest(registry.url, name, "v1", entries(70_000), mediaTypes.index);
    expectRefusal(fewer, { status: 400, code: "MANIFEST_BLOB_UNKNOWN" });
    expect(fewer.bytes.length).toBeLessThan(20_000);
    working = false;
    await other;
  });

  test("with escape sequences, markup and other alphabets in its annotations is kept as data", async () => {
    const name = await repository();
    const annotations = {
      "\u001b[31mred": "\u001b]0;title\u0007",
      "<img src=x onerror=alert(1)>": "javascript:alert(1)",
      "=cmd()": "=HYPERLINK(1)",
      "\u202egnirts": "\u2066x\u2069",
    };
    const text = manifestText({ annotations });
    expect((await putManifest(registry.url, name, "v1", text)).status).toBe(201);
    expect((await registry.ask("GET", `/v2/${name}/manifests/v1`)).text).toBe(text);
  });
});

describe("unfinished uploads", () => {
  test("are limited in a repository and in all, and the limit is a 429 that says when to come back", async () => {
    await using own = await startRegistry({ uploads: { inAll: 5, inOne: 3 } });
    const begin = (name: string) => own.ask("POST", `/v2/${name}/blobs/uploads/`);
    const statuses = async (name: string, count: number) => {
      const all = [];
      for (let at = 0; at < count; at++) all.push((await begin(name)).status);
      return all;
    };
    expect(await statuses("a", 4)).toEqual([202, 202, 202, 429]);
    expect(await statuses("b", 4)).toEqual([202, 202, 429, 429]);
    const refused = await begin("c");
    expectRefusal(refused, { status: 429, code: "TOOMANYREQUESTS", reason: /5 in all/ });
    expect(refused.headers.get("retry-after")).toBe("10");
  });

  test("that nobody uses make room for one that is wanted", async () => {
    let now = Date.now();
    await using own = await startRegistry({ uploads: { inAll: 3, inOne: 3 }, now: () => now });
    for (let at = 0; at < 3; at++) await startUpload(own.url, "a");
    now += 11_000;
    const bytes = randomBytes(100);
    const session = await startUpload(own.url, "b");
    for (let at = 0; at < 2; at++) await startUpload(own.url, "b");
    expect((await own.ask("POST", "/v2/b/blobs/uploads/")).status).toBe(429);
    expect((await ask("PUT", withDigest(session, digest(bytes)), { body: bytes })).status).toBe(
      201,
    );
  });
});

test("a clock that jumps a year, and back, loses nothing that was acknowledged", async () => {
  const year = 365 * 24 * 3600 * 1000;
  let now = Date.now();
  await using own = await startRegistry({ now: () => now });
  const before = image();
  await before.push(own.url, "clock/app", "before");
  for (const jump of [year, -2 * year]) {
    const { bytes } = fresh(50_000);
    const session = await startUpload(own.url, "clock/app");
    await ask("PATCH", session, { body: bytes.slice(0, 30_000) });
    now += jump;
    // Housekeeping comes by once a second.
    await Bun.sleep(1200);
    const finished = await ask("PUT", withDigest(session, digest(bytes)), {
      body: bytes.slice(30_000),
    });
    // An upload that seems to have been left for a year is given up; what was pushed stays.
    expect([201, 404]).toContain(finished.status);
    const made = image();
    await made.push(own.url, "clock/app", "now");
    expect(await notServed(own.url, "clock/app", "now", made)).toEqual([]);
    expect(await notServed(own.url, "clock/app", "before", before)).toEqual([]);
    const pushed = (await (await fetch(`${own.url}/api/v1/tags/clock/app`)).json()) as object;
    expect(JSON.stringify(pushed)).toContain('"tag":"now"');
  }
});
