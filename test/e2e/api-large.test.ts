import { expect, setDefaultTimeout, test } from "bun:test";
import { parseName } from "../../src/oci/name.ts";
import { openTarget } from "../support/api-target.ts";
import { countingProxy } from "../support/counting-proxy.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { writeLargeTree } from "../support/large-tree.ts";
import { startDockerRegistry } from "../support/server.ts";

setDefaultTimeout(600_000);

group("a large docker-registry over its API", ["docker-registry"], () => {
  test("with 10,000 tags in one repository is read, and the second time by a HEAD a tag", async () => {
    await using folder = await temporaryFolder();
    writeLargeTree(folder.path, { repositories: ["big"], tags: 10_000, shared: 10 });
    await using registry = await startDockerRegistry(folder.path);
    await using proxy = countingProxy(registry.url);
    const cache = folder.at("facts.sqlite");
    const read = async () => {
      await using target = openTarget(proxy.url, { cache });
      return await target.inventoryOf(parseName("big"));
    };

    const first = await read();
    expect(first?.tags).toHaveLength(10_000);
    expect(first?.manifests).toHaveLength(1000);
    expect(proxy.take()).toBe(1 + 10_000 + 2 * 1000);

    expect(await read()).toEqual(first);
    expect(proxy.take()).toBe(10_001);
  });

  test("with 2,345 repositories, some of whose names sort in odd ways, lists each once", async () => {
    await using folder = await temporaryFolder();
    const odd = ["a", "a-b", "a/b", "a/b-c", "a/b/c", "a0", "a.b", "a_b", "a/b.c", "a/b0", "a-b/c"];
    const names = [
      ...Array.from({ length: 2300 }, (_, at) => `team${at % 50}/app${at}`),
      ...Array.from({ length: 34 }, (_, at) => `z-${at}/x`),
      ...odd,
    ];
    expect(new Set(names).size).toBe(2345);
    writeLargeTree(folder.path, { repositories: names, tags: 1 });
    await using registry = await startDockerRegistry(folder.path);
    await using proxy = countingProxy(registry.url);
    await using target = openTarget(proxy.url);

    const listed = await Array.fromAsync(target.repositories());

    expect(listed).toEqual(names.toSorted().map(parseName));
    expect(proxy.take()).toBe(3);
  });

  test("that allows pages of ten entries only is listed all the same", async () => {
    await using folder = await temporaryFolder();
    const names = Array.from({ length: 240 }, (_, at) => `app${at}`);
    writeLargeTree(folder.path, { repositories: names, tags: 1 });
    await using registry = await startDockerRegistry(folder.path, { catalog: { maxentries: 10 } });
    await using target = openTarget(registry.url);

    expect(await Array.fromAsync(target.repositories())).toEqual(names.toSorted().map(parseName));
  });
});
