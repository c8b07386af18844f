import { expect, test } from "bun:test";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { tagCurrentLink } from "../../src/storage/tree.ts";
import { image } from "../support/image.ts";
import { onlineScene } from "./support/online-scene.ts";
import { expectPulled } from "./support/pulls.ts";
import { live } from "./support/scene.ts";
import { treeScene } from "./support/tree-scene.ts";

const HOUR = 3600 * 1000;

test("the plan says why a repository is kept whole, and clients may delete in it all the same", async () => {
  const [torn, untagged, other] = [image(), image(), image()];
  const link = tagCurrentLink(parseName("broken"), parseTag("v1"));
  await using scene = await onlineScene({
    collecting: { untaggedAfter: HOUR },
    grace: HOUR,
    async given(data) {
      const tree = treeScene(data);
      await tree.put("broken", torn, "v1");
      await tree.put("broken", untagged);
      await tree.put("fine", other);
      await tree.write(link, "");
      await tree.age();
    },
  });
  const { url } = scene.registry;
  const plan = async (): Promise<object[]> => {
    const answer = await fetch(`${url}/api/v1/gc/plan?consent=true`);
    const lines = (await answer.text()).trim().split("\n");
    return lines.map((line) => JSON.parse(line) as object);
  };
  expect(await plan()).toContainEqual({
    repository: expect.objectContaining({
      repository: "broken",
      keptWhole: expect.stringContaining(`${link}: the link is empty or torn`),
      manifests: [],
      links: [],
    }),
  });

  await scene.collect({ consent: true, walk: true });

  await expectPulled(url, [live("broken", torn), live("broken", untagged)]);
  const gone = await fetch(`${url}/v2/fine/manifests/${other.digest}`);
  expect(gone.status).toBe(404);

  const path = `${url}/v2/broken/manifests/${untagged.digest}`;
  expect((await fetch(path, { method: "DELETE" })).status).toBe(202);
  expect((await fetch(path)).status).toBe(404);
  await scene.collect({ consent: false, walk: true });
  await expectPulled(url, [live("broken", torn)]);
});
