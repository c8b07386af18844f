import { describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { digest, fresh, pushBytes, rangeOf } from "./support/content.ts";
import { chunk, connectRaw, exchange, rawRequest } from "./support/raw.ts";
import { expectRefusal } from "./support/refused.ts";
import { freshName, sharedRegistry, startRegistry, type TestRegistry } from "./support/registry.ts";
import { uploadFiles } from "./support/stored.ts";
import { type Upload, openUpload } from "./support/upload.ts";

const registry = sharedRegistry();
const { bytes } = fresh(1_000_000);
const whole = digest(bytes);

/** Sends the head of a request and a part of its body, and hangs up after a moment. */
async function cutOff(
  method: string,
  target: string,
  headers: string[],
  body: Uint8Array,
  how: "fin" | "reset" = "fin",
  moment = 50,
) {
  using connection = await connectRaw(registry.port);
  await connection.send(rawRequest(method, target, { headers }));
  await connection.send(body);
  if (moment > 0) await Bun.sleep(moment);
  connection.hangUp(how);
}

/**
 * Sends the bytes from where the upload says that it is, up to `end`; returns where that was. The end of
 * a connection may overtake bytes that were on their way, so it is anywhere up to `most`.
 */
async function goOn(upload: Upload, most: number, end: number): Promise<number> {
  // The request that was cut off may still be under way, or even come in after the question.
  for (let times = 0; times < 5; times++) {
    const status = await upload.status();
    expect(status.status).toBe(204);
    const range = rangeOf(status);
    const at = range === "0-0" ? 0 : Number(range?.slice(2)) + 1;
    expect(at).toBeLessThanOrEqual(most);
    const patched = await upload.patch(bytes.slice(at, end), at);
    if (patched.status === 202) return at;
    expect([409, 416]).toContain(patched.status);
  }
  throw new Error("the upload does not say where it is");
}

async function expectWhole(on: TestRegistry, name: string): Promise<void> {
  const got = await on.ask("GET", `/v2/${name}/blobs/${whole}`);
  expect([got.status, digest(got.bytes)]).toEqual([200, whole]);
}

describe("after a lost connection", () => {
  for (const how of ["fin", "reset"] as const) {
    for (const framing of ["Content-Length: 900000", "Transfer-Encoding: chunked"]) {
      for (const moment of [0, 50]) {
        test(`(${how} after ${moment} ms) a PATCH with ${framing} goes on where it says that it broke off`, async () => {
          const name = freshName("resume");
          const upload = await openUpload(registry, name);
          await upload.patch(bytes.slice(0, 100_000), 0);
          for (let at = 100_000; at < 900_000; at += 200_000) {
            const part = bytes.subarray(at, at + 100_000);
            await cutOff(
              "PATCH",
              upload.target,
              [framing],
              framing.startsWith("T") ? chunk(part) : part,
              how,
              moment,
            );
            expect(await goOn(upload, at + 100_000, at + 200_000)).toBeGreaterThanOrEqual(at);
          }
          expect((await upload.patch(bytes.slice(900_000), 900_000)).status).toBe(202);
          expect((await upload.put(whole)).status).toBe(201);
          await expectWhole(registry, name);
        });
      }
    }
  }

  test("every byte that the server had time to read counts, also in the middle of a chunk's framing", async () => {
    for (const [framing, head] of [
      ["Content-Length: 1000000", ""],
      ["Transfer-Encoding: chunked", "186A0\r\n"],
    ] as const) {
      const upload = await openUpload(registry, freshName("resume"));
      const sent = Buffer.concat([Buffer.from(head), bytes.subarray(0, 5000)]);
      await cutOff("PATCH", upload.target, [framing], sent, "fin", 300);
      expect(await goOn(upload, 5000, 1_000_000)).toBe(5000);
      expect((await upload.put(whole)).status).toBe(201);
    }
  });

  test("in the middle of the PUT the upload goes on with another PUT", async () => {
    const name = freshName("resume");
    const upload = await openUpload(registry, name);
    const target = `${upload.target}?digest=${whole}`;
    await cutOff("PUT", target, ["Content-Length: 1000000"], bytes.subarray(0, 500_000));
    await goOn(upload, 500_000, 990_000);
    const headers = { "content-range": "990000-999999" };
    expect((await upload.put(whole, { body: bytes.slice(990_000), headers })).status).toBe(201);
    await expectWhole(registry, name);
  });

  test("a chunk that is sent again from its start is refused with the offset, not stored twice", async () => {
    const upload = await openUpload(registry, freshName("resume"));
    await upload.patch(bytes.slice(0, 2), 0);
    await cutOff(
      "PATCH",
      upload.target,
      ["Content-Range: 2-999999", "Content-Length: 999998"],
      bytes.subarray(2, 5000),
      "fin",
      300,
    );
    const refused = await upload.patch(bytes.slice(2), 2);
    expectRefusal(refused, {
      status: 416,
      code: "BLOB_UPLOAD_INVALID",
      reason: /upload is at 5000/,
    });
    expect(rangeOf(refused)).toBe("0-4999");
    expect((await upload.put(whole, { body: bytes.slice(5000) })).status).toBe(201);
  });

  test("before the first byte of the body the upload is as before", async () => {
    const upload = await openUpload(registry, freshName("resume"));
    await upload.patch(bytes.slice(0, 1000), 0);
    await cutOff("PATCH", upload.target, ["Content-Length: 1000000"], new Uint8Array());
    expect(await goOn(upload, 1000, 2000)).toBe(1000);
    expect((await upload.put(whole, { body: bytes.slice(2000) })).status).toBe(201);
  });

  for (const sent of [999_999, 1_000_000]) {
    test(`in a single POST after ${sent} of 1000000 bytes nothing stays, and the push works when it is repeated`, async () => {
      const name = freshName("resume");
      const target = `/v2/${name}/blobs/uploads/?digest=${whole}`;
      const before = await uploadFiles(registry.data);
      await cutOff("POST", target, ["Content-Length: 1000000"], bytes.subarray(0, sent), "reset");
      const left = await eventually(
        () => uploadFiles(registry.data),
        (files) => files.length === before.length,
        3000,
      );
      expect(left).toEqual(before);
      expect((await pushBytes(registry.url, name, bytes)).status).toBe(201);
      await expectWhole(registry, name);
    });
  }

  test("right after the last byte of a PUT the push may have been done or not, and repeating it is safe", async () => {
    const name = freshName("resume");
    for (let times = 0; times < 5; times++) {
      const upload = await openUpload(registry, name);
      await cutOff(
        "PUT",
        `${upload.target}?digest=${whole}`,
        ["Content-Length: 1000000"],
        bytes,
        times % 2 ? "reset" : "fin",
      );
      const there = await registry.ask("HEAD", `/v2/${name}/blobs/${whole}`);
      expect([200, 404]).toContain(there.status);
      expect((await pushBytes(registry.url, name, bytes)).status).toBe(201);
      await expectWhole(registry, name);
    }
  });
});

describe("after a restart of the server", () => {
  test("an upload goes on exactly where it was, and its digest is right", async () => {
    await using own = await startRegistry();
    const uploads = await Promise.all(
      [0, 1, 300_000, 999_999].map(async (offset) => {
        const upload = await openUpload(own, "resume/restart");
        if (offset > 0) await upload.patch(bytes.slice(0, offset), 0);
        return { upload, offset };
      }),
    );

    for (let times = 0; times < 2; times++) {
      await own.restart();
      for (const { upload } of uploads) upload.moveTo(own.url);
      for (const { upload, offset } of uploads.slice(1)) {
        expect(rangeOf(await upload.status())).toBe(`0-${offset - 1}`);
      }
    }

    // An upload without a byte is not worth a restart: its client starts another one.
    expectRefusal(await uploads[0]!.upload.status(), { status: 404, code: "BLOB_UPLOAD_UNKNOWN" });
    for (const { upload, offset } of uploads.slice(1)) {
      await upload.patch(bytes.slice(offset, 999_999), offset);
      expect((await upload.put(whole, { body: bytes.slice(999_999) })).status).toBe(201);
    }
    await expectWhole(own, "resume/restart");
    expect(await uploadFiles(own.data)).toEqual([]);
  });

  test("an upload with sha512, named at its start or its end, goes on too", async () => {
    await using own = await startRegistry();
    for (const query of ["?digest-algorithm=sha512", ""]) {
      const upload = await openUpload(own, "resume/long", query);
      await upload.patch(bytes.slice(0, 10), 0);
      await own.restart();
      upload.moveTo(own.url);
      expect((await upload.put(digest(bytes, "sha512"), { body: bytes.slice(10) })).status).toBe(
        201,
      );
    }
  });

  test("bytes of a chunk that was refused are not taken for bytes of the upload", async () => {
    await using own = await startRegistry();
    const upload = await openUpload(own, "resume/refused");
    await upload.patch(bytes.slice(0, 1000), 0);
    const headers = ["Content-Range: 1000-900999", "Transfer-Encoding: chunked"];
    const body = Buffer.concat([chunk(bytes.subarray(5000, 805_000)), chunk("")]);
    const refused = await exchange(
      own.port,
      rawRequest("PATCH", upload.target, { headers, body, length: false }),
    );
    expectRefusal(refused, {
      status: 400,
      code: "SIZE_INVALID",
      reason: /800000 bytes came, 900000 were announced/,
    });

    await own.restart();
    upload.moveTo(own.url);

    expect(rangeOf(await upload.status())).toBe("0-999");
    expect((await upload.put(whole, { body: bytes.slice(1000) })).status).toBe(201);
  });

  test("completed and cancelled uploads stay forgotten, and the data folder keeps nothing of them", async () => {
    await using own = await startRegistry();
    const uploads = [
      await openUpload(own, "resume/over"),
      await openUpload(own, "resume/over"),
    ] as const;
    for (const upload of uploads) await upload.patch(bytes.slice(0, 1000), 0);
    // Long enough for them to be recorded as open.
    await Bun.sleep(1100);
    await uploads[0].put(whole, { body: bytes.slice(1000) });
    await uploads[1].cancel();
    await own.restart();
    for (const upload of uploads) {
      upload.moveTo(own.url);
      expectRefusal(await upload.status(), { status: 404, code: "BLOB_UPLOAD_UNKNOWN" });
    }
    expect(await uploadFiles(own.data)).toEqual([]);
  });

  test("bytes of uploads that nobody can name any more are removed", async () => {
    await using own = await startRegistry();
    await Bun.write(`${own.data}/wharfinger/uploads/${"f".repeat(32)}`, "left behind by a kill");
    await own.restart();
    expect(await uploadFiles(own.data)).toEqual([]);
  });
});

test("an upload expires a week after the last request that brought it on", async () => {
  const day = 24 * 3600 * 1000;
  let now = Date.parse("2026-11-21T12:00:00Z");
  await using own = await startRegistry({ now: () => now });
  const [forgotten, tended] = [
    await openUpload(own, "resume/old"),
    await openUpload(own, "resume/old"),
  ];
  for (const upload of [forgotten, tended]) await upload.patch(bytes.slice(0, 1000), 0);
  const statuses = async () => [(await forgotten.status()).status, (await tended.status()).status];
  const soon = (expected: number) => eventually(statuses, ([first]) => first === expected, 3000);

  now += 6 * day;
  await tended.patch(bytes.slice(1000, 2000), 1000);
  await Bun.sleep(1200);
  expect(await statuses()).toEqual([204, 204]);
  now += 2 * day;
  expect(await soon(404)).toEqual([404, 204]);
  expect(await uploadFiles(own.data)).toHaveLength(1);
  expect((await tended.put(whole, { body: bytes.slice(2000) })).status).toBe(201);
});
