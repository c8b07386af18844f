import { describe, expect, test } from "bun:test";
import { digest, fresh, pushBytes, rangeOf, unknownDigest } from "./support/content.ts";
import { type Answer, streamed } from "./support/http.ts";
import { chunk, connectRaw, exchange, rawRequest } from "./support/raw.ts";
import { expectRefusal, expectRefused } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";
import { uploadFiles } from "./support/stored.ts";
import { type Upload, openUpload } from "./support/upload.ts";

const registry = sharedRegistry();

const { bytes } = fresh(1000);
const whole = digest(bytes);
const part = (from: number, end: number) => bytes.slice(from, end);

/** An upload that has its first hundred bytes. */
async function begun(name = freshName("chunks")): Promise<Upload> {
  const upload = await openUpload(registry, name);
  expect((await upload.patch(part(0, 100), 0)).status).toBe(202);
  return upload;
}

/** The upload stands at a hundred bytes, and can be completed from there. */
async function expectUnharmed(upload: Upload): Promise<void> {
  expect(rangeOf(await upload.status())).toBe("0-99");
  expect((await upload.put(whole, { body: part(100, 1000) })).status).toBe(201);
}

/** The file of an upload, if there is one. */
async function bytesOf(upload: Upload): Promise<string[]> {
  const id = upload.target.split("/").at(-1)!;
  return (await uploadFiles(registry.data)).filter((file) => file.startsWith(id));
}

describe("chunks", () => {
  test("in order make the blob, and every answer says where to go on", async () => {
    const name = freshName("chunks");
    const upload = await openUpload(registry, name);
    for (const [from, end] of [
      [0, 1],
      [1, 500],
      [500, 999],
      [999, 1000],
    ] as const) {
      const patched = await upload.patch(part(from, end), from);
      expect([patched.status, rangeOf(patched)]).toEqual([202, `0-${end - 1}`]);
      const status = await upload.status();
      expect([status.status, rangeOf(status)]).toEqual([204, `0-${end - 1}`]);
      expect(patched.headers.get("docker-upload-uuid")).toBe(
        new URL(upload.url).pathname.split("/").at(-1)!,
      );
    }
    expect((await upload.put(whole)).status).toBe(201);
    expect((await registry.ask("GET", `/v2/${name}/blobs/${whole}`)).bytes).toEqual(bytes);
  });

  const endings: readonly [what: string, end: (upload: Upload) => Promise<Answer>][] = [
    [
      "with Content-Range",
      (upload) =>
        upload.put(whole, { body: part(100, 1000), headers: { "content-range": "100-999" } }),
    ],
    ["without Content-Range", (upload) => upload.put(whole, { body: part(100, 1000) })],
    [
      "of unknown length",
      (upload) => upload.put(whole, { body: streamed(part(100, 200), part(200, 1000)) }),
    ],
  ];
  for (const [what, end] of endings) {
    test(`may end with a PUT that brings the last one ${what}`, async () => {
      expect((await end(await begun())).status).toBe(201);
    });
  }

  test("without Content-Range, and streamed, are appended as they come", async () => {
    const upload = await begun();
    await upload.patch(part(100, 300));
    const patched = await upload.patch(streamed(part(300, 301), part(301, 900)));
    expect([patched.status, rangeOf(patched)]).toEqual([202, "0-899"]);
    expect((await upload.put(whole, { body: part(900, 1000) })).status).toBe(201);
  });

  test("a thousand of one byte make the blob", async () => {
    const upload = await openUpload(registry, freshName("chunks"));
    for (let at = 0; at < 1000; at++) await upload.patch(part(at, at + 1), at);
    expect((await upload.put(whole)).status).toBe(201);
  });

  const forms = [
    "bytes 100-199/*",
    "bytes 100-199/1000",
    "100-199/1000",
    " 100-199 ",
    "bytes 100-199",
  ];
  for (const form of forms) {
    test(`are understood with Content-Range ${JSON.stringify(form)}, as some clients write it`, async () => {
      const upload = await begun();
      const patched = await upload.patch(part(100, 200), null, { "content-range": form });
      expect([patched.status, rangeOf(patched)]).toEqual([202, "0-199"]);
    });
  }
});

describe("a chunk out of order", () => {
  const ranges: readonly [what: string, from: number, end: number][] = [
    ["leaves a gap", 200, 300],
    ["repeats the last one", 0, 100],
    ["overlaps", 50, 150],
    ["lies within what is there", 10, 20],
    ["lies far away", 1_000_000_000_000, 1_000_000_000_010],
  ];
  for (const [what, from, end] of ranges) {
    for (const method of ["PATCH", "PUT"] as const) {
      test(`that ${what} is a 416 that says where to go on, with ${method}`, async () => {
        const upload = await begun();
        const headers = { "content-range": `${from}-${end - 1}` };
        const body = fresh(end - from).bytes;
        const send = () =>
          method === "PATCH"
            ? upload.patch(body, null, headers)
            : upload.put(whole, { body, headers });
        const refused = await expectRefused(registry, send, {
          status: 416,
          code: "BLOB_UPLOAD_INVALID",
          reason: new RegExp(`begins at ${from}, the upload is at 100`),
        });
        expect(rangeOf(refused)).toBe("0-99");
        expect(new URL(refused.headers.get("location")!, registry.url).pathname).toBe(
          upload.target,
        );
        await expectUnharmed(upload);
      });
    }
  }

  test("may not be the first one either", async () => {
    const upload = await openUpload(registry, freshName("chunks"));
    expectRefusal(await upload.patch(part(1, 10), 1), {
      status: 416,
      code: "BLOB_UPLOAD_INVALID",
      reason: /upload is at 0/,
    });
  });
});

describe("a chunk that contradicts itself is refused, and the upload is as before", () => {
  const contradictions: readonly [
    what: string,
    range: string,
    body: Uint8Array,
    streamed?: boolean,
  ][] = [
    ["fewer bytes than Content-Range says", "100-109", part(100, 108)],
    ["more bytes than Content-Range says", "100-109", part(100, 112)],
    ["fewer bytes than Content-Range says, streamed", "100-109", part(100, 108), true],
    ["more bytes than Content-Range says, streamed", "100-109", part(100, 112), true],
    ["much more than Content-Range says, streamed", "100-109", fresh(900_000).bytes, true],
    ["no bytes for a Content-Range that has some", "100-109", new Uint8Array()],
    ["a Content-Range that ends before it begins", "100-50", part(100, 110)],
    ["a Content-Range that begins below zero", "-5-4", part(100, 110)],
    ["a Content-Range without an end", "100-", part(100, 110)],
    ["a Content-Range in words", "all of it", part(100, 110)],
    ["a Content-Range in hex", "0x64-0x6d", part(100, 110)],
    ["an empty Content-Range", "", part(100, 110)],
    ["a Content-Range of too many digits", `${"1".repeat(30)}-${"1".repeat(30)}`, part(100, 110)],
    ["two ranges", "100-104,105-109", part(100, 110)],
    ["a Content-Range past 2^53", "9007199254740993-9007199254741002", part(100, 110)],
  ];
  for (const [what, range, body, isStreamed = false] of contradictions) {
    for (const method of ["PATCH", "PUT"]) {
      test(`${what}, with ${method}`, async () => {
        const upload = await begun();
        const target = method === "PUT" ? `${upload.target}?digest=${whole}` : upload.target;
        const headers = [
          `Content-Range: ${range}`,
          ...(isStreamed ? ["Transfer-Encoding: chunked"] : []),
        ];
        const sent = isStreamed ? Buffer.concat([chunk(body), chunk("")]) : body;
        const request = rawRequest(method, target, { headers, body: sent, length: !isStreamed });
        const send = () => exchange(registry.port, request);
        const reason = /Content-Range|bytes came|bytes announced/;
        await expectRefused(registry, send, { status: 400, code: "SIZE_INVALID", reason });
        await expectUnharmed(upload);
      });
    }
  }
});

describe("one upload and several requests at once", () => {
  /** A PATCH under way: its headers and a part of its body are there. */
  async function underWay(upload: Upload) {
    const connection = await connectRaw(registry.port);
    await connection.send(
      rawRequest("PATCH", upload.target, {
        headers: ["Content-Range: 100-199", "Content-Length: 100"],
      }),
    );
    await connection.send(part(100, 150));
    await Bun.sleep(20);
    return connection;
  }

  const others: readonly [what: string, send: (upload: Upload) => Promise<Answer>][] = [
    ["a second PATCH", (upload) => upload.patch(part(100, 200), 100)],
    ["a PUT", (upload) => upload.put(whole, { body: part(100, 1000) })],
    ["a DELETE", (upload) => upload.cancel()],
  ];
  for (const [what, send] of others) {
    test(`${what} during a PATCH is refused after a moment, and the first goes on`, async () => {
      const upload = await begun();
      using first = await underWay(upload);
      expectRefusal(await send(upload), {
        status: 409,
        code: "BLOB_UPLOAD_INVALID",
        reason: /another request/,
      });
      await first.send(part(150, 200));
      expect((await first.answer())?.status).toBe(202);
      expect(rangeOf(await upload.status())).toBe("0-199");
      expect((await upload.put(whole, { body: part(200, 1000) })).status).toBe(201);
    });
  }

  test("of twenty PATCHes with the same chunk one is taken, the others are told what is there", async () => {
    const upload = await begun();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        exchange(
          registry.port,
          rawRequest("PATCH", upload.target, {
            headers: ["Content-Range: 100-199"],
            body: part(100, 200),
          }),
        ),
      ),
    );
    const statuses = answers.map((answer) => answer?.status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    for (const refused of statuses.filter((status) => status !== 202))
      expect([409, 416]).toContain(refused!);
    expect(rangeOf(await upload.status())).toBe("0-199");
    expect((await upload.put(whole, { body: part(200, 1000) })).status).toBe(201);
  });

  test("of ten PUTs that complete it one is taken, and the blob is whole", async () => {
    const name = freshName("chunks");
    const upload = await begun(name);
    const target = `${upload.target}?digest=${whole}`;
    const request = rawRequest("PUT", target, {
      headers: ["Content-Range: 100-999"],
      body: part(100, 1000),
    });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => exchange(registry.port, request)),
    );
    expect(answers.filter((answer) => answer?.status === 201)).toHaveLength(1);
    for (const answer of answers) expect([201, 404, 409]).toContain(answer!.status);
    expect((await registry.ask("GET", `/v2/${name}/blobs/${whole}`)).bytes).toEqual(bytes);
    expect(await bytesOf(upload)).toEqual([]);
  });
});

describe("an upload", () => {
  const methods = ["GET", "PATCH", "PUT", "DELETE"];
  const ask = (method: string, path: string) =>
    registry.ask(method, path + (method === "PUT" ? `?digest=${whole}` : ""), {
      ...(method[0] === "P" && { body: part(0, 10) }),
    });
  const unknown = { status: 404, code: "BLOB_UPLOAD_UNKNOWN" };

  test("that is cancelled is gone with its bytes", async () => {
    const upload = await begun();
    const cancelled = await upload.cancel();
    expect([cancelled.status, cancelled.text]).toEqual([204, ""]);
    for (const method of methods) expectRefusal(await ask(method, upload.target), unknown);
    expect(await bytesOf(upload)).toEqual([]);
  });

  test("that is completed is gone, and the blob stays as it is", async () => {
    const name = freshName("chunks");
    const upload = await begun(name);
    await upload.put(whole, { body: part(100, 1000) });
    for (const method of methods)
      await expectRefused(registry, () => ask(method, upload.target), unknown);
    expect((await registry.ask("GET", `/v2/${name}/blobs/${whole}`)).bytes).toEqual(bytes);
  });

  test("of another repository is unknown to every method, and unharmed", async () => {
    const [name, other] = [freshName("chunks"), freshName("chunks")];
    await pushBytes(registry.url, other, fresh().bytes);
    const upload = await begun(name);
    const foreign = upload.target.replace(name, other);
    for (const method of methods)
      await expectRefused(registry, () => ask(method, foreign), unknown);
    await expectUnharmed(upload);
  });

  const ids = [
    "0".repeat(32),
    "x",
    "%2e%2e%2fx",
    "a".repeat(10_000),
    "__proto__",
    "sha256:abc",
    "%00",
    "..%5c",
    "constructor",
    "*",
  ];
  for (const id of ids) {
    test(`with the made-up id ${id.slice(0, 20)} is unknown to every method`, async () => {
      const name = freshName("chunks");
      for (const method of methods) {
        const request = rawRequest(
          method,
          `/v2/${name}/blobs/uploads/${id}${method === "PUT" ? `?digest=${whole}` : ""}`,
        );
        await expectRefused(registry, () => exchange(registry.port, request), unknown);
      }
    });
  }

  const digests: readonly [what: string, query: string, code: string, reason: RegExp][] = [
    ["no digest", "", "DIGEST_INVALID", /digest parameter is missing/],
    ["an empty digest", "?digest=", "DIGEST_INVALID", /"" is not a digest/],
    [
      "two digests",
      `?digest=${whole}&digest=${whole}`,
      "UNSUPPORTED",
      /digest: it stands more than once/,
    ],
    ["upper-case hex", `?digest=sha256:${"AB".repeat(32)}`, "DIGEST_INVALID", /is not a digest/],
    ["63 digits", `?digest=sha256:${"a".repeat(63)}`, "DIGEST_INVALID", /is not a digest/],
    ["65 digits", `?digest=sha256:${"a".repeat(65)}`, "DIGEST_INVALID", /is not a digest/],
    ["a Cyrillic а", `?digest=sha256:${"a".repeat(63)}%D0%B0`, "DIGEST_INVALID", /is not a digest/],
    ["a path", "?digest=sha256:../../x", "DIGEST_INVALID", /is not a digest/],
    [
      "a path behind a digest",
      `?digest=${unknownDigest}/../..`,
      "DIGEST_INVALID",
      /is not a digest/,
    ],
    ["md5", "?digest=md5:d41d8cd98f00b204e9800998ecf8427e", "DIGEST_INVALID", /is not a digest/],
    ["no algorithm", "?digest=:abc", "DIGEST_INVALID", /is not a digest/],
    ["no colon", `?digest=${"a".repeat(64)}`, "DIGEST_INVALID", /is not a digest/],
    ["__proto__", "?digest=__proto__:00", "DIGEST_INVALID", /is not a digest/],
    ["a line end", `?digest=${unknownDigest}%0d%0aX-Evil:1`, "DIGEST_INVALID", /is not a digest/],
    ["a NUL", `?digest=${unknownDigest}%00`, "DIGEST_INVALID", /is not a digest/],
    ["a line end alone", `?digest=${unknownDigest}%0a`, "DIGEST_INVALID", /is not a digest/],
    [
      "sha512 with the length of sha256",
      `?digest=sha512:${"a".repeat(64)}`,
      "DIGEST_INVALID",
      /is not a digest/,
    ],
    [
      "nine kilobytes",
      `?digest=sha256:${"a".repeat(9000)}`,
      "UNSUPPORTED",
      /digest: it is longer than/,
    ],
  ];
  for (const [what, query, code, reason] of digests) {
    test(`is not completed by ${what}, and can be completed afterwards`, async () => {
      const upload = await begun();
      const send = () =>
        exchange(
          registry.port,
          rawRequest("PUT", upload.target + query, { body: part(100, 1000) }),
        );
      const refused = await expectRefused(registry, send, { status: 400, code, reason });
      expect([...refused.headers.keys()]).not.toContain("x-evil");
      await expectUnharmed(upload);
    });
    if (query === "") continue;
    test(`is not begun by a POST with ${what}`, async () => {
      const path = `/v2/${freshName("chunks")}/blobs/uploads/${query}`;
      const send = () => exchange(registry.port, rawRequest("POST", path, { body: bytes }));
      await expectRefused(registry, send, { status: 400, code, reason });
    });
  }
});
