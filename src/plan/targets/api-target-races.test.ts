import { expect, test } from "bun:test";
import { openTarget, tagsAt } from "../../../test/support/api-target.ts";
import { countingProxy } from "../../../test/support/counting-proxy.ts";
import { failureOf } from "../../../test/support/failure.ts";
import { image, index } from "../../../test/support/image.ts";
import { localRegistry } from "../../../test/support/local-registry.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";

const APP = parseName("team/app");
const OLD = parseTag("old");

test("a tag that is pushed while the registry proves how it removes tags stays, with what was pushed", async () => {
  await using registry = await localRegistry();
  await using proxy = countingProxy(registry.url);
  const [before, after] = [image({ size: 10 }), image({ size: 20 })];
  await before.push(registry.url, APP, "old", "latest");
  await using target = openTarget(proxy.url);
  await target.inventoryOf(APP);
  let pushed = false;
  proxy.intercept = async ({ method, path }) => {
    if (pushed || method !== "PUT" || !path.includes("wharfinger-probe-")) return undefined;
    pushed = true;
    await after.push(registry.url, APP, "old");
    return undefined;
  };

  expect(await failureOf(target.removeTag(APP, OLD))).toMatchObject({ kind: "REFUSED" });

  expect(await tagsAt(registry.url, APP)).toEqual({ old: after.digest, latest: before.digest });
});

test("a tag that names something else than was looked at stays", async () => {
  await using registry = await localRegistry();
  const [before, after] = [image({ size: 10 }), image({ size: 20 })];
  await before.push(registry.url, APP, "old", "latest");
  await using target = openTarget(registry.url);
  await target.inventoryOf(APP);
  await after.push(registry.url, APP, "old");

  expect(await failureOf(target.removeTag(APP, OLD))).toMatchObject({ kind: "REFUSED" });
  expect(await tagsAt(registry.url, APP)).toMatchObject({ old: after.digest });
});

test("all tags of a child that its index keeps go at once, and none comes back", async () => {
  await using registry = await localRegistry();
  const child = image({ size: 10 });
  const both = index([child]);
  await child.push(registry.url, APP, "a", "b", "c", "d");
  await both.push(registry.url, APP, "latest");
  await using target = openTarget(registry.url);
  await target.inventoryOf(APP);

  await Promise.all(["a", "b", "c", "d"].map((tag) => target.removeTag(APP, parseTag(tag))));

  expect(await tagsAt(registry.url, APP)).toEqual({ latest: both.digest });
  expect(target.warnings).toEqual([]);
});

test("a repository that goes away while it is read is not taken for what was seen of it", async () => {
  await using registry = await localRegistry();
  await using proxy = countingProxy(registry.url);
  await image({ size: 10 }).push(registry.url, APP, "a", "b");
  await using target = openTarget(proxy.url);
  let away = false;
  proxy.intercept = ({ path }) => {
    if (path.endsWith("/manifests/b")) away = true;
    const errors = [{ code: path.includes("/tags/") ? "NAME_UNKNOWN" : "MANIFEST_UNKNOWN" }];
    const isGone = away && !path.endsWith("/manifests/a");
    return isGone && !path.includes("sha256")
      ? Response.json({ errors }, { status: 404 })
      : undefined;
  };

  const inventory = await target.inventoryOf(APP);

  expect(inventory?.tags).toHaveLength(1);
  expect(inventory?.unreadable).toMatchObject([{ problem: expect.stringContaining("went away") }]);
});
