import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { backUp, restoreAll } from "../support/backup.ts";
import { expectClean } from "../support/clean.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image, index } from "../support/image.ts";
import {
  type MultiPlatform,
  differences,
  fileLayer,
  multiPlatformImage,
  writeLayout,
} from "../support/layout.ts";
import { catalogOf, tagsOf } from "../support/pull.ts";
import { run } from "../support/run.ts";
import { type Server, startDockerRegistry, startWharf } from "../support/server.ts";
import { type Skopeo, skopeoIn } from "../support/skopeo.ts";

setDefaultTimeout(180_000);

const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");

/** The command as people run it: a process of its own. Returns its last line. */
async function wharf(...args: string[]): Promise<string> {
  return (await run([process.execPath, MAIN, ...args])).trim().split("\n").at(-1) ?? "";
}

/** Pulls every tag there is, with all its platforms. Returns how many. */
async function pullAll(server: Server, skopeo: Skopeo, folder: Folder): Promise<number> {
  let pulled = 0;
  for (const name of await catalogOf(server.url)) {
    for (const tag of await tagsOf(server.url, name)) {
      const out = folder.at(`out-${Bun.randomUUIDv7()}`);
      await skopeo.copy(`docker://${server.host}/${name}:${tag}`, `oci:${out}:x`);
      pulled++;
    }
  }
  return pulled;
}

/** Pushes images and indexes, one after the other, until it is told to stop. */
async function pushOn(url: string, until: AbortSignal): Promise<number> {
  const base = await fileLayer({ "etc/base": "shared by all" });
  let pushed = 0;
  const push = async (lane: number): Promise<void> => {
    while (!until.aborted) {
      const own = await fileLayer({ "etc/own": `${lane} ${pushed}` });
      const one = image({ layers: [base, own], platform: { os: "linux", architecture: "amd64" } });
      const tag = `t${pushed++ % 5}`;
      await (lane === 0 ? index([one]) : one).push(url, `ci/lane${lane}`, tag);
    }
  };
  await Promise.all([push(0), push(1), push(2)]);
  return pushed;
}

async function pushFirst(server: Server, skopeo: Skopeo, folder: Folder): Promise<MultiPlatform> {
  const platforms = await multiPlatformImage();
  await writeLayout(folder.at("in"), { v1: platforms.index });
  await skopeo.copy(`oci:${folder.at("in")}:v1`, `docker://${server.host}/team/app:v1`);
  return platforms;
}

group("wharf backup, with real clients", ["skopeo"], () => {
  for (const target of ["a.tar.zst", "folder"]) {
    test(`into ${target} while clients push: all that is in it can be pulled`, async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const skopeo = await skopeoIn(folder);
      let first;
      {
        await using server = await startWharf({ data });
        first = await pushFirst(server, skopeo, folder);
        const stop = new AbortController();
        const pushing = pushOn(server.url, stop.signal);
        await Bun.sleep(500);
        const said = await wharf("backup", folder.at(target), "--data", data);
        expect(said).toMatch(/^backed up to .* \d+ tags?, /);
        stop.abort();
        expect(await pushing).toBeGreaterThan(10);
      }

      await wharf("restore", folder.at(target), "--data", folder.at("to"), "--yes");

      {
        await using restored = await startWharf({ data: folder.at("to") });
        expect(await pullAll(restored, skopeo, folder)).toBeGreaterThan(3);
        const out = folder.at("first");
        await skopeo.copy(`docker://${restored.host}/team/app:v1`, `oci:${out}:x`);
        expect(await differences(out, first.index)).toEqual([]);
      }
      await expectClean(folder.at("to"));
    });
  }
});

group("wharf backup and docker-registry", ["skopeo", "docker-registry"], () => {
  test("it serves a backup that tar has unpacked", async () => {
    await using folder = await temporaryFolder();
    const skopeo = await skopeoIn(folder);
    let first;
    {
      await using server = await startWharf({ data: folder.at("data") });
      first = await pushFirst(server, skopeo, folder);
      await wharf("backup", folder.at("a.tar.gz"), "--data", folder.at("data"));
    }
    await run(["tar", "-xzf", folder.at("a.tar.gz"), "-C", await folder.folder("unpacked")]);

    await using docker = await startDockerRegistry(folder.at("unpacked"));
    expect(await pullAll(docker, skopeo, folder)).toBe(1);
    const out = folder.at("first");
    await skopeo.copy(`docker://${docker.host}/team/app:v1`, `oci:${out}:x`);
    expect(await differences(out, first.index)).toEqual([]);
  });

  test("a tar of its folder restores, and so does a backup of it while it is pushed to", async () => {
    await using folder = await temporaryFolder();
    const data = await folder.folder("data");
    const skopeo = await skopeoIn(folder);
    {
      await using docker = await startDockerRegistry(data);
      await pushFirst(docker, skopeo, folder);
      const stop = new AbortController();
      const pushing = pushOn(docker.url, stop.signal);
      await Bun.sleep(500);
      const made = await backUpLoudly(data, folder.at("live.tar"));
      stop.abort();
      await pushing;
      expect(made).toMatch(/backed up to/);
    }
    await run(["tar", "-cf", folder.at("stopped.tar"), "-C", folder.path, "data"]);

    for (const [archive, to] of [
      ["live.tar", "to-live"],
      ["stopped.tar", "to-stopped"],
    ] as const) {
      await restoreAll(folder.at(to), folder.at(archive));
      {
        await using restored = await startWharf({ data: folder.at(to) });
        expect(await pullAll(restored, skopeo, folder)).toBeGreaterThan(1);
      }
      await expectClean(folder.at(to));
    }
  });

  test("a restore into it while it runs is pulled from it", async () => {
    await using folder = await temporaryFolder();
    const skopeo = await skopeoIn(folder);
    let first;
    {
      await using server = await startWharf({ data: folder.at("data") });
      first = await pushFirst(server, skopeo, folder);
    }
    await backUp(folder.at("data"), folder.at("a.tar.zst"));
    await using docker = await startDockerRegistry(folder.at("docker"));

    await wharf("restore", folder.at("a.tar.zst"), "--registry", docker.host, "--yes");

    const out = folder.at("first");
    await skopeo.copy(`docker://${docker.host}/team/app:v1`, `oci:${out}:x`);
    expect(await differences(out, first.index)).toEqual([]);
    expect(await wharf("restore", folder.at("a.tar.zst"), "--registry", docker.host)).toContain(
      "0 tags added, 0 blobs brought",
    );
  });
});

/** A registry that is pushed to may have something that cannot be read yet: that is said, and fine. */
async function backUpLoudly(data: string, target: string): Promise<string> {
  return await wharf("backup", target, "--data", data);
}
