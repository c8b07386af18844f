import { describe, setDefaultTimeout, test } from "bun:test";
import { image } from "../support/image.ts";
import { IN_FILES } from "./hazards/in-files.ts";
import { expectSame, expectedFiles, treeFiles } from "./support/expected.ts";
import { onlineScene } from "./support/online-scene.ts";
import { expectPulled } from "./support/pulls.ts";
import { type Expected, live } from "./support/scene.ts";
import { treeScene } from "./support/tree-scene.ts";

setDefaultTimeout(60_000);

/** What is fresh stays fresh: the grace is longer than any of these tests. */
const HOUR = 3600 * 1000;

describe("in a tree of another registry that ours has taken over, after its owner's yes:", () => {
  for (const hazard of IN_FILES) {
    test(hazard.name, async () => {
      const [kept, dead] = [image(), image()];
      let expected: Expected = { live: [] };
      let before: string[] = [];
      await using scene = await onlineScene({
        collecting: { untaggedAfter: HOUR },
        grace: HOUR,
        async given(data) {
          const tree = treeScene(data);
          await tree.put("by/stander", kept, "v1");
          await tree.put("by/stander", dead);
          expected = await hazard.build(tree);
          before = await treeFiles(data);
        },
      });
      await scene.collect({ consent: true, walk: true });

      const left = { ...expected, live: [...expected.live, live("by/stander", kept, "v1")] };
      expectSame(await treeFiles(scene.registry.data), expectedFiles(before, left), left);
      await expectPulled(scene.registry.url, left.live);
    });
  }
});
