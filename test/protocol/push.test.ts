import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { locationOf } from "../support/push.ts";
import {
  digest,
  emptyDigest,
  fresh,
  octets,
  pushBytes,
  startUpload,
  unknownDigest,
  utf8,
} from "./support/content.ts";
import { type Answer, streamed } from "./support/http.ts";
import { expectRefused } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";
import { followed, uploadFiles } from "./support/stored.ts";
import { openUpload } from "./support/upload.ts";

const registry = sharedRegistry();
const post = (
  name: string,
  query: string,
  body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
) =>
  registry.ask("POST", `/v2/${name}/blobs/uploads/${query}`, {
    ...(body && { body, headers: { "content-type": octets } }),
  });

/** A 201 names a place where exactly these bytes are. */
async function expectCreated(
  created: Answer,
  name: string,
  bytes: Uint8Array,
  as = digest(bytes),
): Promise<void> {
  expect([created.status, created.text]).toEqual([201, ""]);
  expect(created.headers.get("docker-content-digest")).toBe(as);
  expect(new URL(locationOf(created, registry.url)).pathname).toBe(`/v2/${name}/blobs/${as}`);
  const got = await registry.ask("GET", `/v2/${name}/blobs/${as}`);
  expect([got.status, got.bytes.length, digest(got.bytes)]).toEqual([
    200,
    bytes.length,
    digest(bytes),
  ]);
}

describe("a blob in one piece", () => {
  const sizes = [1, 100, 65_536, 524_288, 524_289, 3_000_000];
  for (const size of sizes) {
    test(`of ${size} bytes is pushed with POST and PUT`, async () => {
      const name = freshName("push");
      const { bytes } = fresh(size);
      await expectCreated(await pushBytes(registry.url, name, bytes), name, bytes);
    });
  }

  test("is pushed with a single POST", async () => {
    const name = freshName("push");
    const { bytes } = fresh(1000);
    await expectCreated(await post(name, `?digest=${digest(bytes)}`, bytes), name, bytes);
  });

  test("is pushed to an address without the last slash", async () => {
    const { bytes } = fresh();
    const name = freshName("push");
    const created = await registry.ask(
      "POST",
      `/v2/${name}/blobs/uploads?digest=${digest(bytes)}`,
      { body: bytes },
    );
    await expectCreated(created, name, bytes);
  });

  test("of unknown length is pushed with chunked transfer encoding", async () => {
    const name = freshName("push");
    const { bytes } = fresh(300_000);
    const pieces = () =>
      streamed(bytes.subarray(0, 1), bytes.subarray(1, 100_000), bytes.subarray(100_000));
    const upload = await openUpload(registry, name);
    await expectCreated(await upload.put(digest(bytes), { body: pieces() }), name, bytes);
    const other = freshName("push");
    await expectCreated(await post(other, `?digest=${digest(bytes)}`, pieces()), other, bytes);
  });

  test("of no bytes is pushed in every way", async () => {
    const none = new Uint8Array();
    const ways: readonly ((name: string) => Promise<Answer>)[] = [
      (name) => pushBytes(registry.url, name, none),
      async (name) => (await openUpload(registry, name)).put(emptyDigest),
      (name) => post(name, `?digest=${emptyDigest}`),
      (name) => post(name, `?digest=${emptyDigest}`, streamed()),
      async (name) => {
        const upload = await openUpload(registry, name);
        await upload.patch(none);
        return await upload.put(emptyDigest);
      },
    ];
    for (const way of ways) {
      const name = freshName("push");
      await expectCreated(await way(name), name, none);
    }
  });

  test("that is there already is taken again", async () => {
    const name = freshName("push");
    const { bytes } = fresh();
    for (let times = 0; times < 3; times++)
      await expectCreated(await pushBytes(registry.url, name, bytes), name, bytes);
    expect(await uploadFiles(registry.data)).toEqual([]);
  });

  test("pushed by twenty clients at once is there once, and whole", async () => {
    const names = Array.from({ length: 20 }, (_, at) => (at % 2 ? "push/same" : freshName("push")));
    const { bytes } = fresh(200_000);
    const created = await Promise.all(names.map((name) => pushBytes(registry.url, name, bytes)));
    for (const [at, name] of names.entries()) await expectCreated(created[at]!, name, bytes);
    expect(await uploadFiles(registry.data)).toEqual([]);
  });

  test("heals a blob whose file was lost", async () => {
    const name = freshName("push");
    const { bytes } = fresh();
    const hex = digest(bytes).slice("sha256:".length);
    const file = join(
      registry.data,
      "docker/registry/v2/blobs/sha256",
      hex.slice(0, 2),
      hex,
      "data",
    );
    await pushBytes(registry.url, name, bytes);
    await followed(registry.data);
    await Bun.file(file).delete();
    // A puller is told of the damage; a pusher is told to push.
    expect((await registry.ask("GET", `/v2/${name}/blobs/${digest(bytes)}`)).status).toBe(500);
    expect((await registry.ask("HEAD", `/v2/${name}/blobs/${digest(bytes)}`)).status).toBe(404);

    await expectCreated(await pushBytes(registry.url, name, bytes), name, bytes);
    await followed(registry.data);
    expect(existsSync(file)).toBe(true);
  });

  test("is announced with a session that names itself", async () => {
    const name = freshName("push");
    const opened = await post(name, "");
    const location = new URL(locationOf(opened, registry.url)).pathname;
    expect(opened.status).toBe(202);
    expect(location).toStartWith(`/v2/${name}/blobs/uploads/`);
    expect(location).toEndWith(opened.headers.get("docker-upload-uuid")!);
    expect(opened.headers.get("range")).toBe("0-0");
    expect(location).not.toBe(new URL(locationOf(await post(name, ""), registry.url)).pathname);
  });
});

describe("the algorithm sha512", () => {
  const { bytes } = fresh(150_000);
  const long = digest(bytes, "sha512");
  const half = [bytes.slice(0, 70_000), bytes.slice(70_000)] as const;
  const ways: readonly [way: string, push: (name: string) => Promise<Answer>][] = [
    ["a single POST", (name) => post(name, `?digest=${long}`, bytes)],
    ["POST and PUT that name it at the end", (name) => pushBytes(registry.url, name, bytes, long)],
    [
      "chunks, named at the start",
      async (name) => {
        const upload = await openUpload(registry, name, "?digest-algorithm=sha512");
        await upload.patch(half[0], 0);
        await upload.patch(half[1], half[0].length);
        return await upload.put(long);
      },
    ],
    [
      "chunks, named only at the end",
      async (name) => {
        const upload = await openUpload(registry, name);
        await upload.patch(half[0], 0);
        return await upload.put(long, { body: half[1] });
      },
    ],
  ];
  for (const [way, push] of ways) {
    test(`is taken with ${way}`, async () => {
      const name = freshName("push");
      await expectCreated(await push(name), name, bytes, long);
      expect((await registry.ask("GET", `/v2/${name}/blobs/${digest(bytes)}`)).status).toBe(404);
    });
  }

  test("named at the start does not bind: the digest may be sha256", async () => {
    const name = freshName("push");
    const upload = await openUpload(registry, name, "?digest-algorithm=sha512");
    await upload.patch(bytes, 0);
    await expectCreated(await upload.put(digest(bytes)), name, bytes);
  });

  for (const algorithm of [
    "md5",
    "sha1",
    "SHA256",
    "",
    "__proto__",
    "sha512/../..",
    "a".repeat(5000),
  ]) {
    test(`is not ${JSON.stringify(algorithm.slice(0, 20))}, which is refused`, async () => {
      const name = freshName("push");
      await expectRefused(registry, () => post(name, `?digest-algorithm=${algorithm}`), {
        status: 400,
        ...(algorithm.length > 1000
          ? { code: "UNSUPPORTED", reason: /digest-algorithm.*longer/ }
          : { code: "DIGEST_INVALID", reason: /algorithm/ }),
      });
    });
  }
});

describe("bytes that are not those of the digest", () => {
  const { bytes } = fresh(5000);
  const wrong: readonly [what: string, digest: string, sent: Uint8Array<ArrayBuffer>][] = [
    ["other bytes", unknownDigest, bytes],
    ["bytes for the empty blob", emptyDigest, bytes],
    ["no bytes for a blob that has some", digest(bytes), new Uint8Array()],
    ["one byte too few", digest(bytes), bytes.slice(1)],
    ["another sha512", `sha512:${"ab".repeat(64)}`, bytes],
  ];
  for (const [what, named, sent] of wrong) {
    test(`are refused with POST and PUT, and the session is gone: ${what}`, async () => {
      const name = freshName("push");
      const url = await startUpload(registry.url, name);
      const put = () =>
        registry.ask("PUT", `${new URL(url).pathname}?digest=${named}`, { body: sent });
      const refused = await expectRefused(registry, put, {
        status: 400,
        code: "DIGEST_INVALID",
        reason: /have the digest/,
      });
      expect(refused.errors[0]?.detail).toMatchObject({ expected: named });
      expect((await registry.ask("GET", new URL(url).pathname)).status).toBe(404);
      expect((await registry.ask("GET", `/v2/${name}/blobs/${named}`)).status).toBe(404);
    });

    test(`are refused with a single POST: ${what}`, async () => {
      const send = () => post(freshName("push"), `?digest=${named}`, sent);
      await expectRefused(registry, send, {
        status: 400,
        code: "DIGEST_INVALID",
        reason: /have the digest/,
      });
    });
  }
});

test("content encodings are nobody's business here: what comes is what is stored", async () => {
  const name = freshName("push");
  const bytes = Bun.gzipSync(utf8("a".repeat(1_000_000)));
  for (const encoding of ["gzip", "br", "zstd", "nonsense"]) {
    const created = await registry.ask(
      "POST",
      `/v2/${name}/blobs/uploads/?digest=${digest(bytes)}`,
      {
        headers: { "content-encoding": encoding },
        body: bytes,
      },
    );
    await expectCreated(created, name, bytes);
    expect(
      (await registry.ask("GET", `/v2/${name}/blobs/${digest(bytes)}`)).headers.get(
        "content-encoding",
      ),
    ).toBeNull();
  }
});
