import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { checkCommand } from "../../src/cli/check.ts";
import { gcCommand } from "../../src/cli/gc.ts";
import { treeTarget } from "../../src/gc/tree-target.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { age } from "../support/aged.ts";
import { runCommand } from "../support/command.ts";
import { startTheirs } from "../support/drop-in.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { notServed } from "../support/pull.ts";

setDefaultTimeout(240_000);

group("a folder that docker-registry serves", ["docker-registry"], () => {
  describe.each([[false], [true]])("and caches descriptors: %p", (cache) => {
    test("is pruned while others push the same images: what was acknowledged is served", async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const config = folder.at("config.yml");
      const more = cache ? ", cache: { blobdescriptor: inmemory }" : "";
      await Bun.write(config, `version: 0.1\nstorage: { filesystem: {}${more} }\n`);
      const app = parseName("team/app");
      const old = Array.from({ length: 12 }, () => image({ layers: 1, size: 500 }));
      const platforms = Array.from({ length: 4 }, () => image());
      const acknowledged: [tag: string, fixture: Fixture][] = [];
      {
        await using server = await startTheirs({ config, data });
        for (const [at, one] of old.entries()) await one.push(server.url, app, `old-${at}`);
        for (const one of platforms) await one.push(server.url, app);
        await age(data);
        const target = treeTarget({ folder: data, created: false, now: Date.now, warn: () => {} });
        const before = await target.inventoryOf(app);
        expect(before?.tags).toHaveLength(old.length);
        let over = false;
        const pushing = [0, 1].map(async (lane) => {
          for (let round = 0; !over; round++) {
            const all = [...old, ...platforms];
            const one = all[(round * 5 + lane * 7) % all.length]!;
            const fixture = round % 2 === 0 ? one : index([one]);
            const tag = `new-${lane}-${round}`;
            const pushed = await fixture.push(server.url, app, tag).then(
              () => true,
              () => false,
            );
            if (pushed) acknowledged.push([tag, fixture]);
          }
        });
        for (const { digest } of [...old, ...platforms]) {
          await target.deleteManifest(app, parseDigest(digest)).catch((error: unknown) => {
            // It was pushed at that moment, and stays.
            expect(error).toMatchObject({ kind: "REFUSED" });
          });
        }
        over = true;
        await Promise.all(pushing);
        await target.close();
      }
      await age(data, 1);
      expect((await runCommand(gcCommand, [data, "--yes"])).exit).toBe(0);

      await using again = await startTheirs({ config, data });
      expect(acknowledged.length).toBeGreaterThan(4);
      const look = treeTarget({ folder: data, created: false, now: Date.now, warn: () => {} });
      const found = await look.inventoryOf(app);
      expect(found?.unreadable).toEqual([]);
      for (const [tag, fixture] of acknowledged) {
        // A tag that was pushed may have gone with the manifest that it was pushed for; it is never broken.
        if ((await look.resolve(app, parseTag(tag))) === null) continue;
        expect([tag, await notServed(again.url, app, tag, fixture)]).toEqual([tag, []]);
      }
      await look.close();
      const { exit, out } = await runCommand(checkCommand, [data]);
      expect({ exit, out: exit === 0 ? [] : out }).toEqual({ exit: 0, out: [] });
    });
  });
});
