import { expect, setDefaultTimeout, test } from "bun:test";
import { chmod, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { blobPath } from "../../src/storage/tree.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { age } from "../support/aged.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { ranSince, startKeep } from "../support/keep.ts";
import { clientPath } from "../support/peers.ts";
import { notServed } from "../support/pull.ts";
import { distributionConfig, startDockerRegistry } from "../support/server.ts";

setDefaultTimeout(120_000);

interface World {
  readonly folder: Folder;
  readonly data: string;
  /** Was deleted; its layer is garbage. */
  readonly gone: Fixture;
  /** A multi-platform image with a tag. */
  readonly kept: Fixture;
  /** The path of its config.yml. */
  readonly config: string;
  readonly url: string;
}

/** A docker-registry that runs, with one image that was deleted long ago and one that was not. */
async function withRegistry(body: (world: World) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const data = await folder.folder("data");
  await using registry = await startDockerRegistry(data);
  const gone = image({ size: 100_000 });
  const kept = index([image(), image()]);
  await gone.push(registry.url, "team/app", "old");
  await kept.push(registry.url, "team/app", "new");
  const reply = await fetch(`${registry.url}/v2/team/app/manifests/${gone.digest}`, {
    method: "DELETE",
  });
  expect(reply.status).toBe(202);
  await age(data);
  const config = folder.at("config.yml");
  await writeFile(config, distributionConfig(data, "127.0.0.1:0"));
  await body({ folder, data, gone, kept, config, url: registry.url });
}

/** Asks `wharf keep` with this collector to collect, and returns how that went. */
async function collect(
  { folder, url }: Pick<World, "folder" | "url">,
  collector: object,
  env: Readonly<Record<string, string>> = {},
) {
  const settings = {
    keep: { state: folder.at("state") },
    registries: [{ name: "hub", url, collect: collector }],
  };
  const config = folder.at("wharf.yaml");
  await writeFile(config, JSON.stringify(settings));
  await using keep = await startKeep({ config, env });
  const since = Date.now();
  const answer = await fetch(`${keep.url}/gc`, { method: "POST" });
  expect([answer.status, await answer.text()]).toEqual([200, "GC started"]);
  const run = await ranSince(keep, "gc", since);
  return { run, logs: keep.logs() };
}

function isThere(data: string, { blobs: [first] }: Fixture): boolean {
  return existsSync(join(data, blobPath(first?.descriptor.digest as Digest)));
}

group("wharf keep collects", ["docker-registry"], () => {
  test("on the folder of a registry that runs, as its config.yml names it", async () => {
    await withRegistry(async ({ folder, data, gone, kept, config, url }) => {
      const { run } = await collect({ folder, url }, { with: "tree", config });
      expect(run.outcome).toBe("done");
      expect(run.bytes).toBeGreaterThan(100_000);
      expect(isThere(data, gone)).toBe(false);
      expect(await notServed(url, "team/app", "new", kept)).toEqual([]);
    });
  });

  test("with the registry's own command, which a registry 2 is not trusted with untagged manifests", async () => {
    await withRegistry(async ({ folder, data, gone, kept, config, url }) => {
      const { run, logs } = await collect({ folder, url }, { with: "registry", config });
      expect(run.outcome).toBe("done");
      expect(run.bytes).toBeGreaterThan(100_000);
      expect(isThere(data, gone)).toBe(false);
      expect(await notServed(url, "team/app", "new", kept)).toEqual([]);
      expect(logs).toContain("untagged manifests stay");
    });
  });

  test("with it in its container, also untagged manifests if that is said", async () => {
    await withRegistry(async ({ folder, data, gone, url, config }) => {
      const bin = await folder.folder("bin");
      await writeFile(
        join(bin, "docker"),
        `#!/bin/sh
[ "$1 $2 $3" = "exec hub-1 registry" ] || { echo "Error: No such container: $2" >&2; exit 1; }
shift 3
exec "${clientPath("docker-registry")}" "$@"
`,
      );
      await chmod(join(bin, "docker"), 0o755);
      const env = { PATH: `${bin}:${process.env["PATH"]}` };
      const how = { with: "docker-exec", container: "hub-1", config, data };
      const { run, logs } = await collect({ folder, url }, { ...how, deleteUntagged: true }, env);
      expect(run).toMatchObject({ outcome: "done" });
      expect(run.bytes).toBeGreaterThan(100_000);
      expect(isThere(data, gone)).toBe(false);
      expect(logs).toContain("the platforms of multi-platform images");

      const wrong = await collect({ folder, url }, { ...how, container: "hub-2" }, env);
      expect(wrong.run.outcome).toBe("failed");
      expect(wrong.run.reason).toContain("No such container: hub-2");
    });
  });
});
