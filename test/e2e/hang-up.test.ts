import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { downloadLarge } from "../support/large.ts";
import { newlyOpen, onLinux, openFiles } from "../support/linux.ts";
import { blob, digestOf, randomBytes } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { locationOf, pushBlob, startUpload, withDigest } from "../support/push.ts";
import { againstDockerRegistry, startWharf, type Server } from "../support/server.ts";
import { chunked, openRequest } from "../support/wire.ts";

setDefaultTimeout(60_000);
const half = 6_000_000;

/** Files that hold a transfer's bytes, finished or not. The database may grow meanwhile, and the reserve is always there. */
async function largeFiles(data: string): Promise<string[]> {
  const sized = await Promise.all(
    (await filesBelow(data))
      .filter((file) => !/\.(db|sqlite)|wharfinger\/reserve$/.test(file))
      .map(async (file) => ({
        file,
        size: (await stat(join(data, file)).catch(() => undefined))?.size ?? 0,
      })),
  );
  return sized.filter(({ size }) => size >= 1_000_000).map(({ file }) => file);
}

/** The same, once the server had time to remove them. */
function largeFilesLeft(data: string): Promise<string[]> {
  return eventually(
    () => largeFiles(data),
    (files) => files.length === 0,
  );
}

async function expectHealthy(wharf: Server): Promise<void> {
  const fresh = image({ layers: 2 });
  await fresh.push(wharf.url, "team/after", "v1");
  expect(await notServed(wharf.url, "team/after", "v1", fresh)).toEqual([]);
}

describe.skipIf(!onLinux)("clients that hang up", () => {
  for (const method of ["PATCH", "PUT"] as const) {
    test(`a client that hangs up in the middle of a ${method} leaves nothing behind once its upload is cancelled`, async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      await using wharf = await startWharf({ data });
      await expectHealthy(wharf);
      const open = await openFiles(wharf.pid);
      const bytes = randomBytes(half);
      const session = await startUpload(wharf.url, "team/cut");

      {
        const address = method === "PUT" ? withDigest(session, digestOf(bytes)) : session;
        const length =
          method === "PUT"
            ? { "content-length": String(2 * half) }
            : { "transfer-encoding": "chunked" };
        using upload = await openRequest(method, address, {
          "content-type": "application/octet-stream",
          ...length,
        });
        await upload.send(method === "PUT" ? bytes : chunked(bytes));
        await Bun.sleep(200);
      }

      // The upload may be kept for a client that resumes it. Cancelling says that none will.
      await Bun.sleep(200);
      const status = await fetch(session);
      const cancelled = await fetch(status.ok ? locationOf(status, wharf.url) : session, {
        method: "DELETE",
      });
      expect([204, 404]).toContain(cancelled.status);
      // docker-registry forgets such an upload, and leaves its bytes to a purge a week later.
      if (!againstDockerRegistry) expect(await largeFilesLeft(data)).toEqual([]);
      expect(await newlyOpen(wharf.pid, open)).toEqual([]);
      await expectHealthy(wharf);
    });
  }

  test.skipIf(againstDockerRegistry)(
    "a client that hangs up in the middle of a PATCH asks how much arrived, and goes on from there",
    async () => {
      await using folder = await temporaryFolder();
      await using wharf = await startWharf({ data: folder.at("data") });
      const whole = blob("application/octet-stream", randomBytes(2 * half));
      const session = await startUpload(wharf.url, "team/cut");
      {
        using upload = await openRequest("PATCH", session, {
          "content-length": String(whole.bytes.byteLength),
        });
        await upload.send(whole.bytes.subarray(0, half));
        await Bun.sleep(200);
      }

      // The server needs a moment to see that nobody is there any more; until then nothing has arrived.
      const status = await eventually(
        () => fetch(session),
        (answer) => answer.status === 204 && answer.headers.get("range") !== "0-0",
      );
      const arrived =
        Number(/^(?:bytes=)?0-(\d+)$/.exec(status.headers.get("range") ?? "")?.[1] ?? Number.NaN) +
        1;
      expect(arrived).toBeGreaterThan(0);
      expect(arrived).toBeLessThanOrEqual(half);
      const rest = await fetch(locationOf(status, wharf.url), {
        method: "PATCH",
        headers: { "content-range": `${arrived}-${whole.bytes.byteLength - 1}` },
        body: whole.bytes.subarray(arrived),
      });
      expect(rest.status).toBe(202);
      const { digest } = whole.descriptor;
      const done = await fetch(withDigest(locationOf(rest, wharf.url), digest), { method: "PUT" });

      expect(done.status).toBe(201);
      expect(await downloadLarge(wharf.url, "team/cut", digest)).toBe(digest);
    },
  );

  test("an upload in one POST that is cut off leaves nothing behind by itself", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using wharf = await startWharf({ data });
    await expectHealthy(wharf);
    const open = await openFiles(wharf.pid);
    const bytes = randomBytes(half);

    {
      const address = withDigest(`${wharf.url}/v2/team/cut/blobs/uploads/`, digestOf(bytes));
      using upload = await openRequest("POST", address, {
        "content-type": "application/octet-stream",
        "content-length": String(2 * half),
      });
      await upload.send(bytes).catch(() => undefined);
      await Bun.sleep(200);
    }

    // Nobody was told of an upload that could be resumed, so there is none to keep.
    expect(await largeFilesLeft(data)).toEqual([]);
    expect(await newlyOpen(wharf.pid, open)).toEqual([]);
    await expectHealthy(wharf);
  });

  test("clients that hang up in the middle of a download leave nothing open", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const large = blob("application/octet-stream", randomBytes(32_000_000));
    await pushBlob(large, wharf.url, "team/cut");
    await expectHealthy(wharf);
    const open = await openFiles(wharf.pid);

    await Promise.all(
      Array.from({ length: 20 }, async () => {
        using download = await openRequest(
          "GET",
          `${wharf.url}/v2/team/cut/blobs/${large.descriptor.digest}`,
        );
        expect((await download.answer()).status).toBe(200);
        await Bun.sleep(200);
      }),
    );

    expect(await newlyOpen(wharf.pid, open)).toEqual([]);
    expect(await downloadLarge(wharf.url, "team/cut", large.descriptor.digest)).toBe(
      large.descriptor.digest,
    );
  });
});
