import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { checkFolder } from "../support/clean.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { IN_FILES } from "./hazards/in-files.ts";
import { expectSame, expectedFiles, treeFiles } from "./support/expected.ts";
import { gcFolder } from "./support/gc-command.ts";
import { live } from "./support/scene.ts";
import { treeScene } from "./support/tree-scene.ts";

setDefaultTimeout(60_000);

describe("in the folder of another registry, with `wharf gc DIR`:", () => {
  for (const hazard of IN_FILES) {
    test(hazard.name, async () => {
      await using folder = await temporaryFolder();
      const data = await folder.folder("data");
      const scene = treeScene(data);
      // What goes in any case: a collection that keeps all would be no collection.
      const [kept, dead] = [image(), image()];
      await scene.put("by/stander", kept, "v1");
      await scene.put("by/stander", dead);
      const built = await hazard.build(scene);
      const expected = { ...built, live: [...built.live, live("by/stander", kept, "v1")] };
      const before = await treeFiles(data);
      const damageBefore = await damage(data);

      // Looking changes nothing, and says what would go.
      await gcFolder(data, "--dry-run");
      expectSame(await treeFiles(data), before);

      const copy = folder.at("copy");
      await copyTree(data, copy);

      await gcFolder(data);
      const wanted = expectedFiles(before, expected);
      expectSame(await treeFiles(data), wanted, built);
      const trashed = await filesBelow(`${data}/wharfinger/trash`);
      expect(trashed.length > 0).toBe(!built.hides);
      const again = await gcFolder(data, "--json");
      expect(JSON.parse(again.out.join("\n"))).toMatchObject({ blobs: { garbage: 0 } });
      expectSame(await treeFiles(data), wanted, built);

      await gcFolder(copy, "--purge");
      expectSame(await treeFiles(copy), wanted, built);
      expect(await filesBelow(`${copy}/wharfinger/trash`)).toEqual([]);

      await rm(`${copy}/wharfinger`, { recursive: true });
      const found = await damage(copy);
      expect(found.filter((one) => !damageBefore.includes(one))).toEqual([]);
    });
  }
});

/** With all times, those of folders included. */
async function copyTree(from: string, to: string): Promise<void> {
  expect(await Bun.spawn(["cp", "-a", from, to]).exited).toBe(0);
}

/** What a check finds, as lines. */
async function damage(data: string): Promise<string[]> {
  const { findings } = await checkFolder(data);
  return findings.map((finding) => JSON.stringify(finding));
}
