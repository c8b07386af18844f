import { expect, test } from "bun:test";
import { parseAddress } from "../../src/client/address.ts";
import { openConnection } from "../../src/client/connection.ts";
import { openFactsCache } from "../../src/inventory/api/facts-cache.ts";
import { type ApiReading, inventoryFromApi } from "../../src/inventory/from-api.ts";
import { parseName } from "../../src/oci/name.ts";
import { countingProxy } from "../support/counting-proxy.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image, index } from "../support/image.ts";
import { startDockerRegistry } from "../support/server.ts";

const APP = parseName("team/app");

function readingOf(url: string, folder: Folder): ApiReading & AsyncDisposable {
  const address = parseAddress(url);
  const warn = (): void => {};
  const file = folder.at("facts.sqlite");
  const cache = openFactsCache({ file, origin: address.origin, warn, now: Date.now });
  const connection = openConnection(address, { credentials: { find: async () => null } });
  return {
    connection,
    cache,
    times: null,
    created: true,
    now: Date.now,
    concurrency: 8,
    warn,
    async [Symbol.asyncDispose]() {
      cache.close();
    },
  };
}

group("the inventory of docker-registry over its API", ["docker-registry"], () => {
  test("costs one HEAD a tag and the list, once its facts are known", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(folder.at("data"));
    await using proxy = countingProxy(registry.url);
    const images = Array.from({ length: 40 }, () => image({ size: 10 }));
    await Promise.all(images.map((one, at) => one.push(registry.url, APP, `v${at}`, `w${at}`)));
    const platforms = index([image({ size: 10 }), image({ size: 10 })]);
    await platforms.push(registry.url, APP, "multi");

    const read = async () => {
      await using reading = readingOf(proxy.url, folder);
      return await inventoryFromApi(APP, reading);
    };
    const first = await read();
    const asked = proxy.take();
    const second = await read();

    expect(second).toEqual(first);
    expect(first?.tags).toHaveLength(81);
    expect(first?.manifests).toHaveLength(43);
    expect(first?.unreadable).toEqual([]);
    expect(asked).toBe(1 + 81 + 2 * 42 + 1);
    expect(proxy.passed.filter(({ method }) => method === "HEAD")).toHaveLength(81);
    expect(proxy.take()).toBe(82);
  });
});
