import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { backupCommand } from "../../src/cli/backup.ts";
import { checkCommand } from "../../src/cli/check.ts";
import { gcCommand } from "../../src/cli/gc.ts";
import { restoreCommand } from "../../src/cli/restore.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { tagCurrentLink } from "../../src/storage/tree.ts";
import { age } from "../support/aged.ts";
import { expectClean } from "../support/clean.ts";
import { runCommand } from "../support/command.ts";
import { startTheirs } from "../support/drop-in.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, type Layer, image } from "../support/image.ts";
import { blob, mediaTypes, randomBytes } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(240_000);

const gc = async (data: string, ...flags: string[]) =>
  await runCommand(gcCommand, [data, "--yes", ...flags]);

async function start(folder: Folder, cache: boolean) {
  const config = folder.at("config.yml");
  const storage = cache
    ? "{ filesystem: {}, cache: { blobdescriptor: inmemory } }"
    : "{ filesystem: {} }";
  await Bun.write(config, `version: 0.1\nstorage: ${storage}\n`);
  return await startTheirs({ config, data: folder.at("data") });
}

/** Images of which no tag names one any more, old as it seems; and their layers. */
async function garbage(url: string, repository: string, data: string): Promise<Layer[]> {
  const layers = Array.from({ length: 21 }, () => randomLayer());
  for (let at = 0; at < layers.length; at += 3) {
    await image({ layers: layers.slice(at, at + 3) }).push(url, repository, "moving");
  }
  await image().push(url, repository, "moving");
  await age(data);
  return layers;
}

function randomLayer(): Layer {
  const layer = blob(mediaTypes.layer, randomBytes(1000));
  return { ...layer, diffId: layer.descriptor.digest };
}

group("wharf gc beside docker-registry", ["docker-registry"], () => {
  describe.each([[false], [true]])("that caches descriptors: %p", (cache) => {
    test("loses nothing that is pushed meanwhile, also of layers that were garbage", async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const acknowledged: [repository: string, tag: string, fixture: Fixture][] = [];
      {
        await using server = await start(folder, cache);
        const repositories = ["team/a", "team/b"];
        // One after the other: each makes the whole tree look old, with nothing under way.
        const pools: Layer[][] = [];
        for (const name of repositories) pools.push(await garbage(server.url, name, data));
        let over = false;
        const pushing = repositories.flatMap((repository, at) =>
          [0, 1].map(async (lane) => {
            const pool = pools[at] ?? [];
            for (let round = 0; !over; round++) {
              const layers = [0, 1].map(
                (next) => pool[(round * 5 + lane * 3 + next * 7) % pool.length]!,
              );
              const fixture = image({ layers });
              const tag = `v${lane}-${round}`;
              // A push that the registry refuses was not acknowledged, and the client tries again.
              const pushed = await fixture.push(server.url, repository, tag).then(
                () => true,
                () => false,
              );
              if (pushed) acknowledged.push([repository, tag, fixture]);
            }
          }),
        );
        await Bun.sleep(100);
        const first = await gc(data);
        await Bun.sleep(200);
        over = true;
        await Promise.all(pushing);

        expect(first.exit).toBe(0);
        expect(first.err.join("\n")).toContain(
          `A registry runs on this folder (process ${server.pid})`,
        );
        expect(first.err.join("\n").includes("restart it")).toBe(cache);
        expect(acknowledged.length).toBeGreaterThan(10);
        if (!cache) {
          for (const [repository, tag, fixture] of acknowledged) {
            expect(await notServed(server.url, repository, tag, fixture)).toEqual([]);
          }
        }
      }
      // What a registry with a cache takes after the run comes back with the next.
      expect((await gc(data)).exit).toBe(0);
      await using server = await start(folder, cache);
      for (const [repository, tag, fixture] of acknowledged) {
        expect(await notServed(server.url, repository, tag, fixture)).toEqual([]);
      }
      await server.stop();
      await rm(join(data, "wharfinger"), { recursive: true });
      await expectClean(data);
    });

    test("frees nothing at once", async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      await using server = await start(folder, cache);
      const [layer] = await garbage(server.url, "team/a", data);

      const { exit, err } = await gc(data, "--purge");

      expect(exit).toBe(5);
      expect(err.at(-1)).toContain(`a registry runs on this folder (process ${server.pid})`);
      expect(await Bun.file(inTree(data).blob(layer!.descriptor.digest)).exists()).toBe(true);
    });
  });

  test("what is pushed after the run of a registry with a cache comes back with the next run", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using server = await start(folder, true);
    const layers = (await garbage(server.url, "team/a", data)).slice(0, 2);
    expect((await gc(data)).exit).toBe(0);
    expect(await Bun.file(inTree(data).blob(layers[0]!.descriptor.digest)).exists()).toBe(false);

    const fixture = image({ layers });
    await fixture.push(server.url, "team/a", "late");
    const { err } = await gc(data);

    expect(err.join("\n")).toContain("put back");
    await server.stop();
    await using again = await start(folder, true);
    expect(await notServed(again.url, "team/a", "late", fixture)).toEqual([]);
  });

  test("nothing is repaired beside it, and who restores a backup hears of it", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using server = await start(folder, false);
    await image().push(server.url, "team/a", "v1");
    const link = join(data, tagCurrentLink(parseName("team/a"), parseTag("v1")));
    await Bun.write(link, "");
    const beside = `registry runs on this folder (process ${server.pid})`;

    const repaired = await runCommand(checkCommand, ["--repair", "--yes", data]);

    expect([repaired.exit, repaired.err.at(-1)]).toEqual([5, expect.stringContaining(beside)]);
    expect(await Bun.file(link).exists()).toBe(true);
    const backup = folder.at("a.tar");
    expect((await runCommand(backupCommand, [backup, "--data", data])).exit).toBe(0);
    const restored = await runCommand(restoreCommand, [backup, "--data", data, "-n"]);
    expect(restored.err.join("\n")).toContain(beside);
  });
});
