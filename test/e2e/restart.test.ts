import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { blob, digestOf, randomBytes } from "../support/oci.ts";
import { notServed, tagsOf } from "../support/pull.ts";
import { pushBlob, startUpload, withDigest } from "../support/push.ts";
import { startWharf } from "../support/server.ts";
import { inTree } from "../support/tree.ts";
import { openRequest } from "../support/wire.ts";

setDefaultTimeout(60_000);

/** Pieces of an upload, to be sent one at a time. */
function pieces(bytes: Uint8Array, count: number): Uint8Array[] {
  const size = Math.ceil(bytes.byteLength / count);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

describe("restart", () => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    test(`what was acknowledged is served after ${signal} and a new start`, async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const platforms = [image({ layers: 2 }), image({ layers: 2 })];
      const many = index(platforms);
      const singles = Array.from({ length: 10 }, () => image());
      const loose = blob("application/octet-stream", randomBytes(10_000));
      {
        await using wharf = await startWharf({ data });
        await many.push(wharf.url, "team/app", "v1", "latest");
        await Promise.all(singles.map((single, at) => single.push(wharf.url, `single/${at}`, "x")));
        await pushBlob(loose, wharf.url, "team/app");
        await wharf.stop(signal);
      }

      await using wharf = await startWharf({ data });

      expect(await notServed(wharf.url, "team/app", "v1", many)).toEqual([]);
      expect(await tagsOf(wharf.url, "team/app")).toEqual(["latest", "v1"]);
      for (const [at, single] of singles.entries()) {
        expect(await notServed(wharf.url, `single/${at}`, "x", single)).toEqual([]);
      }
      const response = await fetch(`${wharf.url}/v2/team/app/blobs/${loose.descriptor.digest}`);
      expect(digestOf(await response.bytes())).toBe(loose.descriptor.digest);
    });
  }

  test("a slow upload under way at SIGTERM ends with 201, and is in the tree when the process has ended", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using wharf = await startWharf({ data });
    const bytes = randomBytes(2_000_000);
    const digest = digestOf(bytes);
    const session = await startUpload(wharf.url, "team/slow");
    using upload = await openRequest("PUT", withDigest(session, digest), {
      "content-length": String(bytes.byteLength),
    });
    const parts = pieces(bytes, 20);
    for (const part of parts.slice(0, 5)) await upload.send(part);

    const stopped = wharf.stop("SIGTERM");
    for (const part of parts.slice(5)) {
      await Bun.sleep(100);
      await upload.send(part);
    }

    expect((await upload.answer()).status).toBe(201);
    expect((await stopped).code).toBe(0);
    expect(digestOf(await Bun.file(inTree(data).blob(digest)).bytes())).toBe(digest);
    expect(await Bun.file(inTree(data).layerLink("team/slow", digest)).text()).toBe(digest);
  });

  test("a slow download under way at SIGTERM arrives whole", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    // More than what the buffers of two sockets take.
    const large = blob("application/octet-stream", randomBytes(32_000_000));
    await pushBlob(large, wharf.url, "team/slow");
    using download = await openRequest(
      "GET",
      `${wharf.url}/v2/team/slow/blobs/${large.descriptor.digest}`,
    );
    expect((await download.answer()).status).toBe(200);

    const stopped = wharf.stop("SIGTERM");
    const hash = new Bun.CryptoHasher("sha256");
    let slow = 0;
    for await (const chunk of download.body()) {
      hash.update(chunk);
      if (++slow <= 15) await Bun.sleep(100);
    }

    expect(`sha256:${hash.digest("hex")}`).toBe(large.descriptor.digest);
    expect((await stopped).code).toBe(0);
  });

  test("an upload that SIGKILL cuts off is not there afterwards, and can be done again", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const large = blob("application/octet-stream", randomBytes(4_000_000));
    const { digest } = large.descriptor;
    {
      await using wharf = await startWharf({ data });
      const session = await startUpload(wharf.url, "team/cut");
      using upload = await openRequest("PUT", withDigest(session, digest), {
        "content-length": String(large.bytes.byteLength),
      });
      await upload.send(large.bytes.subarray(0, 2_000_000));
      await Bun.sleep(200);
      await wharf.stop("SIGKILL");
    }

    await using wharf = await startWharf({ data });

    const address = `${wharf.url}/v2/team/cut/blobs/${digest}`;
    expect((await fetch(address, { method: "HEAD" })).status).toBe(404);
    expect(existsSync(inTree(data).blob(digest))).toBe(false);
    await pushBlob(large, wharf.url, "team/cut");
    expect(digestOf(await (await fetch(address)).bytes())).toBe(digest);
  });
});
