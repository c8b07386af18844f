import { describe, setDefaultTimeout, test } from "bun:test";
import { expectCleanServer } from "../support/clean.ts";
import { image } from "../support/image.ts";
import { AGES } from "./hazards/ages.ts";
import { IMAGES } from "./hazards/images.ts";
import { REFERRERS } from "./hazards/referrers.ts";
import { expectSame, expectedFiles, treeFiles } from "./support/expected.ts";
import { onlineScene } from "./support/online-scene.ts";
import { expectPulled } from "./support/pulls.ts";
import { live } from "./support/scene.ts";

setDefaultTimeout(60_000);

describe("in a registry of ours, that goes on:", () => {
  for (const hazard of [...IMAGES, ...REFERRERS, ...AGES]) {
    test(hazard.name, async () => {
      await using scene = await onlineScene();
      // What goes in any case: a collection that keeps all would be no collection.
      const [kept, dead] = [image(), image()];
      await scene.put("by/stander", kept, "v1");
      await scene.put("by/stander", dead);
      const expected = await hazard.build(scene);
      const all = [...expected.live, live("by/stander", kept, "v1")];
      await scene.registry.opened.collecting.drain();

      await scene.collect();

      expectSame(await treeFiles(scene.registry.data), expectedFiles([], { live: all }));
      await expectPulled(scene.registry.url, all);
      if (all.every(({ lacks }) => lacks === undefined)) {
        await expectCleanServer(scene.registry.url);
      }
    });
  }
});
