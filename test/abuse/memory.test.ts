import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chunk, connectRaw, rawRequest } from "../protocol/support/raw.ts";
import { temporaryFolder } from "../support/folder.ts";
import { onLinux, residentMemory } from "../support/linux.ts";
import { mediaTypes } from "../support/oci.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

const MIB = 1024 * 1024;
const block = new Uint8Array(MIB).fill(0x5b);

describe.skipIf(!onLinux)("a manifest of a gigabyte costs less than 16 MB", () => {
  const framings: readonly [
    what: string,
    header: string,
    piece: Uint8Array,
    statuses: readonly (number | undefined)[],
  ][] = [
    ["with its length", `Content-Length: ${1024 * MIB}`, block, [413]],
    ["in chunks", "Transfer-Encoding: chunked", chunk(block), [413]],
    ["in one chunk", "Transfer-Encoding: chunked\r\n\r\n40000000", block, [413]],
    // What comes behind the length is no request; the connection may end before anything is said.
    ["with a length that lies", "Content-Length: 1000", block, [400, undefined]],
  ];
  for (const [what, header, piece, statuses] of framings) {
    test(what, async () => {
      await using folder = await temporaryFolder();
      await using server = await startWharf({ data: folder.at("data") });
      const port = Number(new URL(server.url).port);
      const send = async (mebibytes: number): Promise<number> => {
        using connection = await connectRaw(port);
        const headers = [`Content-Type: ${mediaTypes.image}`, header];
        // The one chunk begins where the head would end.
        const head = rawRequest("PUT", "/v2/memory/manifests/v1", { headers }).toString("latin1");
        await connection.send(what === "in one chunk" ? head.slice(0, -2) : head);
        const answer = connection.answer().catch(() => null);
        let most = 0;
        for (let sent = 0; sent < mebibytes; sent++) {
          await connection.send(piece);
          if (sent % 8 === 0) most = Math.max(most, await residentMemory(server.pid));
        }
        expect(statuses).toContain((await answer)?.status);
        return most;
      };
      // What the first requests of a process need: code, buffers, connections.
      for (let times = 0; times < 5; times++) await send(16);
      const before = await residentMemory(server.pid);

      expect((await send(1024)) - before).toBeLessThan(16);
      expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
    });
  }
});
