import { describe, expect, test } from "bun:test";
import { TreeReader } from "../../src/inventory/from-tree.ts";
import { filesystemStorage } from "../../src/storage/filesystem.ts";
import { treeFiles } from "../../src/storage/tree-files.ts";
import { decide } from "../../src/gc/decide.ts";
import { POLICY } from "../../src/metadata/contract/collection-support.ts";
import { image } from "../support/image.ts";
import { temporaryFolder } from "../support/folder.ts";
import { knownOf, read } from "../support/stored-tree.ts";
import { IN_FILES } from "./hazards/in-files.ts";
import { treeScene } from "./support/tree-scene.ts";

describe("who collects a folder and who takes it over agree on what could not be read of it:", () => {
  for (const hazard of IN_FILES) {
    test(hazard.name, async () => {
      await using folder = await temporaryFolder();
      const data = await folder.folder("data");
      const scene = treeScene(data);
      await scene.put("by/stander", image(), "v1");
      await hazard.build(scene);

      const reader = new TreeReader(treeFiles(data));
      reader.readBlobs();
      const collecting = new Map<string, unknown>();
      for (const name of reader.names()) {
        const found = reader.read(name);
        const { hidden } = found;
        if (decide(found, POLICY).whole) collecting.set(name, { hides: hidden !== null });
      }
      const storage = filesystemStorage(data);
      const { recorded } = await read(storage);
      const taking = new Map<string, unknown>();
      for (const [name, { unreadable = [], hides = false, manifests }] of recorded) {
        const inDoubt = manifests.some(({ doubt }) => doubt !== null);
        if (unreadable.length > 0 || inDoubt) taking.set(name, { hides });
      }
      expect(taking).toEqual(collecting);

      // As long as nothing changes, there is nothing to record again.
      const again = await read(storage, {}, knownOf(recorded));
      expect([...again.recorded.values()].filter(({ lost = [] }) => lost.length === 0)).toEqual([]);
    });
  }
});
