import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkCommand } from "../../src/cli/check.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { blobPath, layerLink, revisionPath, tagCurrentLink } from "../../src/storage/tree.ts";
import { followed } from "../protocol/support/stored.ts";
import { expectClean, expectCleanServer } from "../support/clean.ts";
import { runCommand, type Person } from "../support/command.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(120_000);

const APP = parseName("team/app");
const repair = async (args: readonly string[], person: Person = {}) =>
  await runCommand(checkCommand, ["--repair", "--verify-bytes", ...args], person);

interface Place {
  readonly data: string;
  readonly server: Server;
  readonly one: Fixture;
  readonly multi: Fixture;
}

/** Two registries with the same images: one is going to be damaged, the other is a source. */
async function withTwo(use: (place: Place, source: Server) => Promise<void>): Promise<void> {
  await using folder: Folder = await temporaryFolder();
  const [data, other] = [folder.at("data"), folder.at("other")];
  const one = image({ layers: 2, size: 50_000 });
  const multi = index([one, image({ size: 20_000 })]);
  await using server = await startWharf({ data });
  await using source = await startWharf({ data: other });
  for (const { url } of [server, source]) {
    await one.push(url, APP, "1");
    await multi.push(url, APP, "multi");
  }
  await followed(data);
  await use({ data, server, one, multi }, source);
}

const at = (data: string, path: string): string => join(data, path);
const fileOf = (data: string, fixture: Fixture, blob: number): string =>
  at(data, blobPath(parseDigest(fixture.blobs[blob]!.descriptor.digest)));

/** All that can be damaged while a server runs, without telling it. */
async function damage({ data, one, multi }: Place): Promise<void> {
  await rm(fileOf(data, one, 1), { force: true });
  await writeFile(fileOf(data, one, 2), new Uint8Array(50_000));
  await writeFile(fileOf(data, multi.children[1]!, 1), "short");
  await rm(at(data, blobPath(parseDigest(multi.digest))), { force: true });
  await writeFile(at(data, tagCurrentLink(APP, parseTag("1"))), "");
  await rm(at(data, revisionPath(APP, parseDigest(one.digest))), { recursive: true, force: true });
  await rm(at(data, layerLink(APP, parseDigest(one.blobs[1]!.descriptor.digest))), { force: true });
}

describe("wharf check --repair", () => {
  test("of a server that runs takes what is lost from another registry, and all is well", async () => {
    await withTwo(async (place, source) => {
      const { server, data } = place;
      await damage(place);
      const to = ["--registry", server.host, "--from", source.host];

      const plan = await repair([...to, "-n"]);
      expect(plan.exit).toBe(6);
      expect(plan.out.join("\n")).toContain(`its bytes come from http://${source.host}`);
      expect((await runCommand(checkCommand, ["--registry", server.host])).exit).toBe(6);

      const asked = await repair(to, { answers: "y" });
      expect(asked.exit).toBe(0);
      expect(asked.asked[0]).toMatch(/^Do these \d+ repairs\? \[y\/N\] $/);
      await expectCleanServer(server.url);
      const trash = await filesBelow(at(data, "wharfinger/trash"));
      expect(trash).toHaveLength(2);
      expect((await repair(to)).exit).toBe(0);
    });
  });

  test("of a stopped folder does the same, and leaves what has no source", async () => {
    await withTwo(async (place, source) => {
      const { server, data } = place;
      await server.stop();
      await damage(place);

      const alone = await repair([data, "--yes"]);
      expect(alone.exit).toBe(3);
      expect(alone.out.join("\n")).toContain("its bytes are nowhere");
      expect(alone.err.at(-1)).toContain("broken image");

      const { exit, out } = await repair([data, "--yes", "--json", "--from", source.host]);
      expect(exit).toBe(0);
      expect(JSON.parse(out.join("\n"))).toMatchObject({ schemaVersion: 1, clean: true, left: [] });
      await expectClean(data);
      // It serves what it should.
      await using again = await startWharf({ data });
      await expectCleanServer(again.url);
    });
  });

  test("without somebody to ask shows, does nothing, and ends with 2", async () => {
    await withTwo(async (place, source) => {
      await damage(place);
      const to = ["--registry", place.server.host, "--from", source.host];

      const { exit, err } = await repair(to);

      expect(exit).toBe(2);
      expect(err.join("\n")).toContain("Would be repaired:");
      expect(err.at(-1)).toContain("nothing was repaired; there is no terminal to ask, add --yes");
      expect((await repair(to, { answers: "n" })).exit).toBe(2);
    });
  });

  test("tells of a source that is down or has other things, and keeps nothing of it", async () => {
    await withTwo(async (place, source) => {
      const { server, one } = place;
      await rm(fileOf(place.data, one, 1));
      await source.stop();

      const down = await repair(["--registry", server.host, "--from", source.host, "--yes"]);

      expect(down.exit).toBe(6);
      expect(down.out.join("\n")).toContain("its bytes are nowhere");
    });
  });

  test("refuses a source that lies about bytes it has", async () => {
    await withTwo(async (place) => {
      const { server, one, data } = place;
      await rm(fileOf(data, one, 1));
      await using liar = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () => new Response(new Uint8Array(50_000)),
      }) as ReturnType<typeof Bun.serve> & AsyncDisposable;
      const from = `127.0.0.1:${liar.port}`;

      const { exit, out } = await repair(["--registry", server.host, "--from", from, "--yes"]);

      expect(exit).toBe(6);
      expect(out.join("\n")).toContain("sends other bytes");
      expect(await filesBelow(at(data, "wharfinger/repairs"))).toEqual([]);
    });
  });

  test("refuses words that go with a repair when there is none", async () => {
    for (const args of [["--yes"], ["-n"], ["--from", "x.example"]]) {
      const { exit, err } = await runCommand(checkCommand, args);
      expect([exit, err.at(-1)]).toEqual([2, expect.stringContaining("goes with --repair")]);
    }
  });

  test("mends a manifest that is wrong in the metadata", async () => {
    await withTwo(async ({ data, server, one }) => {
      await server.stop();
      const db = new Database(join(data, "wharfinger", "metadata.sqlite"));
      db.run("UPDATE manifests SET bytes = x'00' WHERE digest = ?", [one.digest]);
      db.run("UPDATE blobs SET size = size + 1 WHERE digest = ?", [
        one.blobs[1]!.descriptor.digest,
      ]);
      db.close();

      const { exit } = await repair([data, "--yes"]);

      expect(exit).toBe(0);
      await expectClean(data);
    });
  });

  test("that is killed, at whatever moment, and begun again comes to the same end", async () => {
    await withTwo(async (place, source) => {
      const { server, data } = place;
      await server.stop();
      const main = join(import.meta.dir, "..", "..", "src", "main.ts");
      const args = ["check", "--repair", "--verify-bytes", "--yes", "--from", source.host, data];
      let ended = 0;
      for (let wait = 150; ended < 2 && wait < 3000; wait += 60) {
        await damage(place).catch(() => undefined);
        const running = Bun.spawn([process.execPath, main, ...args], {
          stdout: "ignore",
          stderr: "ignore",
        });
        const over = await Promise.race([running.exited, Bun.sleep(wait).then(() => null)]);
        if (over === null) running.kill("SIGKILL");
        else ended++;
        await running.exited;
      }
      expect(ended).toBe(2);
      await damage(place);

      expect((await repair([data, "--yes", "--from", source.host])).exit).toBe(0);
      await expectClean(data);
      expect(await filesBelow(at(data, "wharfinger/repairs"))).toEqual([]);
    });
  });

  test("while clients push and delete repairs what is broken, and nothing else is lost", async () => {
    await withTwo(async (place, source) => {
      const { server } = place;
      await damage(place);
      let over = false;
      let last = 0;
      const kept = new Map<string, Fixture>();
      const push = async (lane: number): Promise<void> => {
        while (!over) {
          const fixture = image({ size: 20_000 });
          const tag = `t${lane}-${last++}`;
          await fixture.push(server.url, APP, tag);
          if (last % 2 === 0) {
            await fetch(`${server.url}/v2/${APP}/manifests/${tag}`, { method: "DELETE" });
          } else kept.set(tag, fixture);
          await Bun.sleep(20);
        }
      };
      const lanes = [push(1), push(2)];
      const { exit } = await repair(["--registry", server.host, "--from", source.host, "--yes"]);
      over = true;
      await Promise.all(lanes);

      expect(exit).toBe(0);
      await expectCleanServer(server.url);
      const answer = await fetch(`${server.url}/v2/${APP}/tags/list`);
      const { tags } = (await answer.json()) as { tags: string[] };
      expect(tags.toSorted()).toEqual(["1", "multi", ...kept.keys()].toSorted());
    });
  });
});
