import { describe, expect, test } from "bun:test";
import { image } from "../support/image.ts";
import { newlyOpen, onLinux, openFiles } from "../support/linux.ts";
import { eventually } from "../support/eventually.ts";
import { digest, fresh, pushBytes, rangeOf } from "./support/content.ts";
import { connectRaw, exchange, rawRequest } from "./support/raw.ts";
import { expectAlive, expectRefusal } from "./support/refused.ts";
import { freshName, sharedRegistry, startRegistry } from "./support/registry.ts";
import { uploadFiles } from "./support/stored.ts";
import { openUpload } from "./support/upload.ts";

const registry = sharedRegistry();
const get = rawRequest("GET", "/v2/");

describe.skipIf(!onLinux)("clients that go away", () => {
  test("in the middle of a download leave no file and no connection open", async () => {
    const name = freshName("edge");
    const { bytes, descriptor } = fresh(20_000_000);
    await pushBytes(registry.url, name, bytes);
    const before = await openFiles(process.pid);
    for (const range of ["", "Range: bytes=5-19999990", "Range: bytes=0-1,5-19999990"]) {
      await Promise.all(
        Array.from({ length: 10 }, async (_, at) => {
          using connection = await connectRaw(registry.port);
          await connection.send(
            rawRequest("GET", `/v2/${name}/blobs/${descriptor.digest}`, {
              headers: range ? [range] : [],
            }),
          );
          await Bun.sleep(20);
          connection.pause();
          await Bun.sleep(50);
          connection.hangUp(at % 2 ? "fin" : "reset");
        }),
      );
    }
    expect(await newlyOpen(process.pid, before)).toEqual([]);
    expect(
      (await registry.ask("GET", `/v2/${name}/blobs/${descriptor.digest}`)).bytes,
    ).toHaveLength(20_000_000);
  });

  test("in the middle of an upload leave no file open, and no bytes once it is cancelled", async () => {
    const name = freshName("edge");
    const { bytes, descriptor } = fresh(3_000_000);
    const [open, files] = [await openFiles(process.pid), await uploadFiles(registry.data)];
    for (let times = 0; times < 10; times++) {
      const upload = await openUpload(registry, name);
      for (const target of [
        upload.target,
        `${upload.target}?digest=${descriptor.digest}`,
        `/v2/${name}/blobs/uploads/?digest=${descriptor.digest}`,
        `/v2/${name}/manifests/v1`,
      ]) {
        using connection = await connectRaw(registry.port);
        const method =
          target === upload.target
            ? "PATCH"
            : target.startsWith(`/v2/${name}/blobs/uploads/?`)
              ? "POST"
              : "PUT";
        await connection.send(rawRequest(method, target, { headers: ["Content-Length: 3000000"] }));
        await connection.send(bytes.subarray(0, 1_000_000));
        await Bun.sleep(20);
        connection.hangUp(times % 2 ? "fin" : "reset");
      }
      expect((await upload.cancel()).status).toBe(204);
    }
    expect(
      await eventually(
        () => uploadFiles(registry.data),
        (now) => now.length === files.length,
        5000,
      ),
    ).toEqual(files);
    expect(await newlyOpen(process.pid, open)).toEqual([]);
  });

  test("right after a refusal leave nothing either", async () => {
    const open = await openFiles(process.pid);
    for (let times = 0; times < 30; times++) {
      using connection = await connectRaw(registry.port);
      await connection.send(
        rawRequest("PUT", "/v2/edge/x/manifests/v1", { headers: ["Content-Length: 100000000"] }),
      );
      await connection.send("x".repeat(100_000));
      connection.hangUp("reset");
    }
    expect(await newlyOpen(process.pid, open)).toEqual([]);
    await expectAlive(registry);
  });
});

describe("a stop", () => {
  test("lets a running upload and a running download end, and takes no new connection", async () => {
    await using own = await startRegistry();
    const large = fresh(20_000_000);
    await pushBytes(own.url, "a", large.bytes);
    const small = fresh(100_000);
    const target = `/v2/a/blobs/uploads/?digest=${small.descriptor.digest}`;
    using upload = await connectRaw(own.port);
    await upload.send(rawRequest("POST", target, { headers: ["Content-Length: 100000"] }));
    await upload.send(small.bytes.subarray(0, 50_000));
    using download = await connectRaw(own.port);
    download.pause();
    await download.send(rawRequest("GET", `/v2/a/blobs/${large.descriptor.digest}`));
    using idle = await connectRaw(own.port);
    await idle.send(get);
    expect((await idle.answer())?.status).toBe(200);
    await Bun.sleep(50);

    let stopped = false;
    const stop = own.stopServer().then(() => (stopped = true));
    await Bun.sleep(100);
    expect(stopped).toBe(false);
    expect(await connectRaw(own.port).catch(() => "refused")).toBe("refused");

    await upload.send(small.bytes.subarray(50_000));
    expect((await upload.answer())?.status).toBe(201);
    expect(stopped).toBe(false);
    download.resume();
    const answer = await download.answer();
    expect([answer?.status, digest(answer!.bytes)]).toEqual([200, large.descriptor.digest]);
    await stop;
    expect((await idle.rest()).length).toBe(0);

    await own.restart();
    expect((await own.ask("GET", `/v2/a/blobs/${small.descriptor.digest}`)).bytes).toEqual(
      small.bytes,
    );
  });

  test("with nothing running is immediate, however many connections are idle", async () => {
    await using own = await startRegistry();
    const idle = await Promise.all(Array.from({ length: 20 }, () => connectRaw(own.port)));
    for (const connection of idle) await connection.send(get);
    for (const connection of idle) await connection.answer();
    const began = performance.now();
    await own.stopServer();
    expect(performance.now() - began).toBeLessThan(1000);
    for (const connection of idle) connection.hangUp();
  });

  test("keeps what an upload has, so that it goes on after the next start", async () => {
    await using own = await startRegistry();
    const { bytes } = fresh(1000);
    const upload = await openUpload(own, "a");
    await upload.patch(bytes.slice(0, 600), 0);
    await own.restart();
    upload.moveTo(own.url);
    expect(rangeOf(await upload.status())).toBe("0-599");
    expect((await upload.put(digest(bytes), { body: bytes.slice(600) })).status).toBe(201);
  });
});

test("an image can be pushed over connections that each lose their first answer", async () => {
  const name = freshName("edge");
  const made = image({ layers: 2 });
  const twice = async (request: Buffer, expected: readonly number[]) => {
    using lost = await connectRaw(registry.port);
    await lost.send(request);
    lost.hangUp("fin");
    const answer = await exchange(registry.port, request);
    expect(expected).toContain(answer!.status);
  };
  for (const { bytes, descriptor } of made.blobs) {
    await twice(
      rawRequest("POST", `/v2/${name}/blobs/uploads/?digest=${descriptor.digest}`, { body: bytes }),
      [201],
    );
  }
  await twice(
    rawRequest("PUT", `/v2/${name}/manifests/v1`, {
      headers: [`Content-Type: ${made.mediaType}`],
      body: made.bytes,
    }),
    [201],
  );
  await twice(rawRequest("DELETE", `/v2/${name}/manifests/v1`), [202, 404]);
  expectRefusal(await registry.ask("GET", `/v2/${name}/manifests/v1`), {
    status: 404,
    code: "MANIFEST_UNKNOWN",
  });
});
