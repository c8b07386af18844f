import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { inParallel } from "../../src/client/parallel.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { blobPath } from "../../src/storage/tree.ts";
import { age } from "../support/aged.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image, index } from "../support/image.ts";
import { mediaTypes } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { againstDockerRegistry, startDockerRegistry } from "../support/server.ts";

setDefaultTimeout(180_000);

const main = join(import.meta.dir, "..", "..", "src", "main.ts");

interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** A command in a process of its own, in a folder of its own, as cron runs it. */
async function wharf(folder: Folder, ...args: readonly string[]): Promise<Ended> {
  const child = Bun.spawn([process.execPath, main, ...args], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"], HOME: folder.path },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, exit] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { exit, out, err };
}

async function tags(url: string, repository: string): Promise<string[]> {
  const answer = await fetch(`${url}/v2/${repository}/tags/list`);
  const { tags: all } = (await answer.json()) as { tags?: string[] | null };
  return (all ?? []).toSorted();
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}

group("the old tools' configurations, against docker-registry", ["docker-registry"], () => {
  const only = test.skipIf(againstDockerRegistry);

  only(
    "cleanup-script deletes by age, in all repositories, and nothing that it protects",
    async () => {
      await using folder = await temporaryFolder();
      await using registry = await startDockerRegistry(folder.at("data"));
      const { url } = registry;
      const old = (): ReturnType<typeof image> => image({ created: daysAgo(100) });
      const shared = old();
      await shared.push(url, "team/app", "2024-01", "prod-stable");
      await old().push(url, "team/app", "1.0.0", "1.0");
      await old().push(url, "team/app", "RELEASE-1");
      await old().push(url, "team/app", "latest");
      await old().push(url, "team/app", "cache");
      await image({ created: "1970-01-01T00:00:00Z" }).push(url, "team/app", "reproducible");
      await image({ created: `${daysAgo(100).slice(0, 19)}.123456789Z` }).push(
        url,
        "team/app",
        "nano",
      );
      await image({ created: daysAgo(3) }).push(url, "team/app", "new");
      await index([old(), image({ created: daysAgo(3) })]).push(url, "team/app", "multi");
      // More than the script ever looked at: the catalog has pages of 100.
      const many = Array.from(
        { length: 104 },
        (_, number) => `many/r${String(number).padStart(3, "0")}`,
      );
      const [past, present] = [old(), image()];
      const push = async (repository: string): Promise<void> => {
        await past.push(url, repository, "old");
        await present.push(url, repository, "new");
      };
      await Array.fromAsync(inParallel(many, 8, push));
      const config = {
        registry: { url, user: "", password: "", container: "registry" },
        cleanup: {
          days_to_keep: 30,
          protected_tags: ["prod-stable"],
          protected_patterns: ["release"],
        },
        paths: { config: "/etc/distribution/config.yml", storage: "/var/lib/registry" },
      };
      await Bun.write(folder.at("config.json"), JSON.stringify(config, null, 2));

      const shown = await wharf(folder, "prune", "-c", "config.json", "-n");
      expect(shown).toMatchObject({ exit: 0 });
      expect(await tags(url, "many/r103")).toEqual(["new", "old"]);

      const done = await wharf(folder, "prune", "-c", "config.json", "--yes");

      expect(done).toMatchObject({ exit: 0 });
      expect(await tags(url, "team/app")).toEqual([
        // It shares its digest with prod-stable, and 2.8.2 cannot remove it alone.
        "2024-01",
        "RELEASE-1",
        "cache",
        "latest",
        "multi",
        "new",
        "prod-stable",
        "reproducible",
      ]);
      for (const repository of many) expect(await tags(url, repository)).toEqual(["new"]);
      expect(await notServed(url, "team/app", "prod-stable", shared)).toEqual([]);
    },
  );

  only(
    "cleanup-script collects afterwards, where something was deleted, when it is told to",
    async () => {
      await using folder = await temporaryFolder();
      const data = await folder.folder("data");
      await using registry = await startDockerRegistry(data);
      const { url } = registry;
      const [old, young] = [image({ created: daysAgo(100) }), image()];
      await old.push(url, "app", "old");
      await young.push(url, "app", "young");
      await age(data);
      const layer = (one: typeof old): string =>
        join(data, blobPath(one.blobs[1]!.descriptor.digest as Digest));
      const config = {
        registry: { url, container: "registry" },
        cleanup: { days_to_keep: 30, protected_tags: [] },
        paths: { host_storage: data },
      };
      await Bun.write(folder.at("config.json"), JSON.stringify(config));

      const done = await wharf(folder, "prune", "-c", "config.json", "--yes", "--collect");

      expect(done).toMatchObject({
        exit: 0,
        err: expect.stringContaining("registry: collected, "),
      });
      expect(await tags(url, "app")).toEqual(["young"]);
      expect([existsSync(layer(old)), existsSync(layer(young))]).toEqual([false, true]);
      expect(await notServed(url, "app", "young", young)).toEqual([]);

      const again = await wharf(folder, "prune", "-c", "config.json", "--yes", "--collect");
      expect(again).toMatchObject({ exit: 0, err: expect.not.stringContaining("collected") });
      const none = JSON.stringify({ ...config, registry: { url }, paths: {} });
      await Bun.write(folder.at("config.json"), none);
      expect(await wharf(folder, "prune", "-c", "config.json", "--yes", "--collect")).toMatchObject(
        {
          exit: 2,
          err: expect.stringContaining("--collect: registry has no `collect`"),
        },
      );
    },
  );

  only("registry-manager shows until it is told to act, and exclude wins", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(folder.at("data"));
    const { url, host } = registry;
    const versions = Array.from({ length: 15 }, (_, patch) => `1.0.${patch}-develop`);
    for (const tag of [...versions, "latest", "master", "feature-x", "1.1.0"]) {
      await image().push(url, "library/mysql", tag);
    }
    for (const tag of ["5.0.12", "5.0.13"]) await image().push(url, "library/redis", tag);
    for (const tag of ["nightly", "1.0.0-develop"]) await image().push(url, "library/small", tag);
    const text = (dryRun: boolean): string => `registries:
  here:
    registry: ${url}
    repositories: [library/redis:5.0.12, library/mysql, library/small]
delete-policy:
  registries: [here]
  dry-run: ${dryRun}
  mix-count: 10
  sem-ver: true
  tags:
    include: { keys: "develop,,release" }
    exclude: { regex: "^latest$|^master$" }
`;
    const before = await tags(url, "library/mysql");

    await Bun.write(folder.at("config.yml"), text(true));
    const listed = await wharf(folder, "list", "-c", "config.yml");
    expect(listed.out).toContain(`${host}/library/redis:5.0.12\n`);
    const shown = await wharf(folder, "prune", "-c", "config.yml", "--yes");
    expect(shown).toMatchObject({ exit: 0, err: expect.stringContaining("prune.dryRun: true") });
    expect(await tags(url, "library/mysql")).toEqual(before);

    await Bun.write(folder.at("config.yml"), text(false));
    const done = await wharf(folder, "delete", "-c", "config.yml", "--yes");

    expect(done).toMatchObject({ exit: 0 });
    expect(await tags(url, "library/redis")).toEqual(["5.0.13"]);
    expect(await tags(url, "library/small")).toEqual(["1.0.0-develop", "nightly"]);
    const kept = versions.slice(5);
    expect(await tags(url, "library/mysql")).toEqual(
      ["1.1.0", "latest", "master", ...kept].toSorted(),
    );

    const again = await wharf(folder, "prune", "-c", "config.yml", "--yes");
    expect(again).toMatchObject({ exit: 0 });
    expect(await tags(url, "library/mysql")).toEqual(
      ["1.1.0", "latest", "master", ...kept].toSorted(),
    );
  });

  only(
    "manifest-cleanup deletes what no tag leads to over the API, and no platform of an index",
    async () => {
      await using folder = await temporaryFolder();
      const data = await folder.folder("data");
      await using registry = await startDockerRegistry(data);
      const { url } = registry;
      const [first, second] = [image(), image()];
      const multi = index([image(), image()], { dockerSchema2: true });
      const lonely = index([image(), image()]);
      await first.push(url, "team/app", "1");
      await second.push(url, "team/app", "1");
      await multi.push(url, "team/app", "multi");
      await lonely.push(url, "team/app");
      await first.push(url, "other", "1");
      await age(data);
      const young = image();
      await young.push(url, "team/app");
      const text = (dryRun: boolean): string =>
        `REGISTRY_URL=${url}/\nREGISTRY_DIR=${data}\nDRY_RUN=${dryRun}\nSELF_SIGNED_CERT=false\n`;
      const there = async (digest: string): Promise<number> =>
        (
          await fetch(`${url}/v2/team/app/manifests/${digest}`, {
            method: "HEAD",
            headers: { accept: Object.values(mediaTypes).join(", ") },
          })
        ).status;

      await Bun.write(folder.at("env"), text(true));
      expect(await wharf(folder, "prune", "-c", "env", "--yes")).toMatchObject({ exit: 0 });
      expect(await there(first.digest)).toBe(200);

      await Bun.write(folder.at("env"), text(false));
      const done = await wharf(folder, "prune", "-c", "env", "--yes");

      expect(done).toMatchObject({ exit: 0 });
      const gone = [first, lonely, ...lonely.children];
      expect(await Promise.all(gone.map(({ digest }) => there(digest)))).toEqual([
        404, 404, 404, 404,
      ]);
      expect(await there(young.digest)).toBe(200);
      expect(await notServed(url, "team/app", "1", second)).toEqual([]);
      expect(await notServed(url, "team/app", "multi", multi)).toEqual([]);
      expect(await notServed(url, "other", "1", first)).toEqual([]);
    },
  );

  only("manifest-cleanup does nothing with the folder of another registry", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(await folder.folder("data"));
    await using another = await startDockerRegistry(await folder.folder("other"));
    const [first, second] = [image(), image()];
    for (const one of [first, second]) await one.push(another.url, "app", "1");
    for (const one of [second, first]) await one.push(registry.url, "app", "1");
    await age(folder.at("other"));
    const text = `REGISTRY_URL=${registry.url}\nREGISTRY_DIR=${folder.at("other")}\n`;
    await Bun.write(folder.at("env"), text);

    const ran = await wharf(folder, "prune", "-c", "env", "--yes");

    expect(ran.exit).toBe(3);
    expect(`${ran.out}${ran.err}`).toMatch(/is [^ ]* the folder of/);
    expect(await notServed(registry.url, "app", "1", first)).toEqual([]);
    expect(await notServed(registry.url, "app", second.digest, second)).toEqual([]);

    await Bun.write(folder.at("env"), text.replace(folder.at("other"), folder.path));
    expect(await wharf(folder, "prune", "-c", "env", "--yes")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("is not the folder of a registry"),
    });
  });
});
