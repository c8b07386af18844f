import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Digest } from "../../src/oci/digest.ts";
import { blobPath } from "../../src/storage/tree.ts";
import { age } from "../support/aged.ts";
import { legacyFolder, startTheirs } from "../support/drop-in.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { jobOf, ranSince, startKeep } from "../support/keep.ts";
import { type Server, freePort } from "../support/process.ts";
import { notServed, tagsOf } from "../support/pull.ts";

setDefaultTimeout(180_000);

/** The variables of its compose file, as compose hands them over. */
async function variables(): Promise<Record<string, string>> {
  const text = await readFile(join(legacyFolder("registry-gc"), "compose.yml"), "utf8");
  const { services } = parse(text) as { services: Record<string, { environment: string[] }> };
  const pairs = services["registry-gc"]?.environment ?? [];
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
}

interface World extends AsyncDisposable {
  readonly folder: Folder;
  readonly data: string;
  readonly registry: Server;
  readonly keep: Server;
}

/**
 * registry 2.8.2 with the config.yml of that folder, and `wharf keep` with the variables of the sidecar. What
 * is theirs and differs: the folder, the ports, and that the registry asks nobody for a password.
 */
async function world(more: Readonly<Record<string, string>> = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const data = await folder.folder("data");
  const listen = `127.0.0.1:${freePort()}`;
  const text = await readFile(join(legacyFolder("registry-gc"), "config.yml"), "utf8");
  expect(text).toContain("http://registry-gc:8080/events");
  const config = parse(text.replace("registry-gc:8080", listen));
  config.storage.filesystem.rootdirectory = data;
  const file = folder.at("config.yml");
  await writeFile(file, stringify(config));
  const registry = stack.use(await startTheirs({ config: file, data }));
  const env = {
    ...(await variables()),
    REGISTRY_URL: registry.url,
    REGISTRY_CONFIGURATION_PATH: file,
    ...more,
  };
  const keep = stack.use(await startKeep({ config: null, env, listen, cwd: folder.path }));
  const all = stack.move();
  return {
    folder,
    data,
    registry,
    keep,
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  };
}

const caller: RequestInit = {
  headers: { authorization: `Basic ${Buffer.from("admin:password").toString("base64")}` },
};

async function post(keep: Server, path: string, how: RequestInit = {}): Promise<string> {
  const reply = await fetch(keep.url + path, { method: "POST", ...how });
  return `${reply.status} ${await reply.text()}`;
}

function isThere(data: string, { blobs: [first] }: Fixture): boolean {
  return existsSync(join(data, blobPath(first?.descriptor.digest as Digest)));
}

group("wharf keep with the variables of registry-gc", ["docker-registry"], () => {
  test("answers as that did, with the password that it promised to ask for", async () => {
    await using all = await world();
    const { keep } = all;
    expect(await post(keep, "/gc")).toBe("200 GC started");
    expect(await post(keep, "/prune")).toBe("401 user and password are needed");
    const wrong = {
      headers: { authorization: `Basic ${Buffer.from("admin:x").toString("base64")}` },
    };
    expect(await post(keep, "/prune", wrong)).toStartWith("401 ");
    expect(await post(keep, "/prune", caller)).toMatch(/^200 prune\+GC (started|queued|already)/);
    expect(await post(keep, "/events", { body: "delete" })).toStartWith("400 ");
    expect(await post(keep, "/events", { body: '{"events":[]}' })).toBe("202 ");
    expect((await fetch(`${keep.url}/events`)).status).toBe(405);
    expect(await post(keep, "/elsewhere")).toBe("404 404 page not found");
  });

  test("keeps the newest versions of each repository, and what they share and consist of", async () => {
    await using all = await world({ KEEP_N: "2" });
    const { keep, registry, data } = all;
    const [old, shared, newest] = [image({ size: 50_000 }), image(), index([image(), image()])];
    await old.push(registry.url, "team/app", "v1.8.0");
    await shared.push(registry.url, "team/app", "v1.7.0", "latest");
    await shared.push(registry.url, "team/app", "v1.9.0");
    await newest.push(registry.url, "team/app", "v1.10.0");
    await age(data);
    const since = Date.now();
    expect(await post(keep, "/prune", caller)).toBe("200 prune+GC started");
    expect(await ranSince(keep, "prune", since, caller)).toMatchObject({
      outcome: "done",
      tags: 1,
    });
    // v1.10.0 is newer than v1.9.0, whose digest `latest` and v1.7.0 share.
    const tags = await tagsOf(registry.url, "team/app");
    expect(tags.toSorted()).toEqual(["latest", "v1.10.0", "v1.7.0", "v1.9.0"]);
    const gc = await ranSince(keep, "gc", since);
    expect(gc.bytes).toBeGreaterThan(50_000);
    expect(isThere(data, old)).toBe(false);
    expect(await notServed(registry.url, "team/app", "v1.10.0", newest)).toEqual([]);
    expect(await notServed(registry.url, "team/app", "v1.9.0", shared)).toEqual([]);
  });

  test("collects a minute after the last delete, without anybody's asking", async () => {
    await using all = await world();
    const { keep, registry, data } = all;
    const gone = image({ size: 50_000 });
    await gone.push(registry.url, "team/app", "v1");
    await age(data);
    const since = Date.now();
    const url = `${registry.url}/v2/team/app/manifests/${gone.digest}`;
    expect((await fetch(url, { method: "DELETE" })).status).toBe(202);
    const { next } = await eventually(
      async () => await jobOf(keep, "gc"),
      ({ next: due }) => due !== null,
    );
    const wait = Date.parse(next ?? "") - since;
    expect(wait).toBeGreaterThan(59_000);
    expect(wait).toBeLessThan(75_000);
    expect(isThere(data, gone)).toBe(true);
    await Bun.sleep(wait);
    const gc = await ranSince(keep, "gc", since);
    expect(gc).toMatchObject({ outcome: "done" });
    expect(gc.bytes).toBeGreaterThan(50_000);
    expect(isThere(data, gone)).toBe(false);
    // What it remembers lies on the volume that the sidecar has.
    expect(existsSync(join(data, "wharfinger", "keep", "wharf-keep.sqlite"))).toBe(true);
  });

  test("prunes an open registry for everybody where no user is set", async () => {
    await using all = await world({ REGISTRY_USER: "", REGISTRY_PASS: "" });
    expect(await post(all.keep, "/prune")).toBe("200 prune+GC started");
    expect((await ranSince(all.keep, "prune", 0)).outcome).toBe("done");
  });

  test("does not start with a number or a duration that is none", async () => {
    for (const [name, value] of [
      ["KEEP_N", "ten"],
      ["PRUNE_INTERVAL", "1 day"],
      ["WORKERS", "-1"],
      ["LOG_LEVEL", "loud"],
    ] as const) {
      const failure = await world({ [name]: value }).then(
        async (started) => {
          await started[Symbol.asyncDispose]();
          return "it started";
        },
        (error: unknown) => (error as Error).message,
      );
      expect(failure).toContain("exit code 2");
      expect(failure).toContain(name);
    }
  });
});
