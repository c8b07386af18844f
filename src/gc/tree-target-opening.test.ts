import { expect, test } from "bun:test";
import { temporaryFolder } from "../../test/support/folder.ts";
import { image } from "../../test/support/image.ts";
import { localRegistry } from "../../test/support/local-registry.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { treeTarget } from "./tree-target.ts";

test("a folder of ours can be read while it is being opened to remove something", async () => {
  await using folder = await temporaryFolder();
  const data = folder.at("data");
  const [app, other] = [parseName("app"), parseName("other")];
  const one = image();
  {
    await using registry = await localRegistry({}, { data });
    await one.push(registry.url, app, "old", "v1");
    await one.push(registry.url, other, "v1");
  }
  const target = treeTarget({ folder: data, created: false, now: Date.now, warn: () => undefined });
  await target.inventoryOf(app);

  const removing = target.removeTag(app, parseTag("old"));
  let reads = 0;
  for (let isDone = false; !isDone; reads++) {
    isDone = await Promise.race([removing.then(() => true), Bun.sleep(0).then(() => false)]);
    expect((await target.inventoryOf(other))?.tags).toHaveLength(1);
    expect(await target.resolve(other, parseTag("v1"))).toBe(one.digest as never);
  }

  expect(reads).toBeGreaterThan(0);
  expect((await target.inventoryOf(app))?.tags).toHaveLength(1);
  await target.close();
});
