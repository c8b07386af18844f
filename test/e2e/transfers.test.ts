import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { digestOf, randomBytes } from "../support/oci.ts";
import { downloadLarge, downloadSlowly, uploadLarge, uploadSlowly } from "../support/large.ts";
import { onLinux, peakMemory } from "../support/linux.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(120_000);
const GiB = 1_073_741_824;
/** Megabytes. Far below one transfer, and enough for the runtime, its buffers and what its collector is late with. */
const bound = 250;

describe.skipIf(!onLinux)("transfers", () => {
  test("a gigabyte in and out, among slow clients, takes bounded memory", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const small = Array.from({ length: 4 }, () => randomBytes(2_000_000));

    const [digest, ...slow] = await Promise.all([
      uploadLarge(wharf.url, "team/large", GiB),
      ...small.map((bytes) => uploadSlowly(wharf.url, "team/slow", bytes, digestOf(bytes), 50)),
    ]);
    const until = new AbortController();
    const readers = small.map(() => downloadSlowly(wharf.url, "team/large", digest, until.signal));
    const [downloaded] = await Promise.all([
      downloadLarge(wharf.url, "team/large", digest),
      Bun.sleep(3000),
    ]);
    until.abort();
    const taken = await Promise.all(readers);

    expect(slow).toEqual([201, 201, 201, 201]);
    expect(downloaded).toBe(digest);
    // They were slow indeed, so the server had to wait for them rather than keep bytes for them.
    for (const bytes of taken) expect(bytes).toBeLessThan(GiB / 2);
    expect(await peakMemory(wharf.pid)).toBeLessThan(bound);
  });
});
