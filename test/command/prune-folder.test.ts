import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkCommand } from "../../src/cli/check.ts";
import { gcCommand } from "../../src/cli/gc.ts";
import { pruneCommand } from "../../src/cli/prune.ts";
import { trashCommand } from "../../src/cli/trash.ts";
import { parseName } from "../../src/oci/name.ts";
import { lockFolder } from "../../src/storage/lock.ts";
import { age } from "../support/aged.ts";
import { runCommand } from "../support/command.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { newTreeIn } from "../support/stored-tree.ts";

setDefaultTimeout(120_000);

const APP = parseName("team/app");
const POLICY = {
  name: "old",
  repositories: ["team/**"],
  delete: [
    { tags: ["*"], olderThan: "7d" },
    { untagged: true, olderThan: "7d" },
  ],
  keep: [{ semver: ">=1.0.0", newest: 1 }, { tags: ["latest"] }],
};

interface Filled {
  readonly data: string;
  readonly config: string;
  readonly gone: readonly Fixture[];
  readonly before: readonly string[];
}

/** A folder of another registry, a month old: versions, an index with its platforms, a tag that shares its image. */
async function filled(folder: Folder): Promise<Filled> {
  const data = folder.at("data");
  const tree = newTreeIn(data);
  const [v9, v10] = [image({ layers: 2 }), image()];
  const [one, two] = [image(), image()];
  const nightly = index([one, two]);
  await tree.put(APP, v9, "v1.9.0");
  await tree.put(APP, v10, "v1.10.0", "latest", "old");
  await tree.put(APP, nightly, "nightly");
  await tree.put(parseName("other"), v9, "v1");
  await age(data);
  const config = folder.at("wharf.yaml");
  await writeFile(
    config,
    JSON.stringify({ retention: [POLICY], keep: { state: folder.at("state") } }),
  );
  return { data, config, gone: [v9, nightly, one, two], before: await treeOf(data) };
}

async function treeOf(data: string): Promise<string[]> {
  const files = await filesBelow(data);
  return files.filter((path) => !path.startsWith("wharfinger/")).toSorted();
}

const prune = async (...args: readonly string[]) => await runCommand(pruneCommand, args);

describe("wharf prune --data DIR, of another registry's folder,", () => {
  test("shows what would go with exact bytes, and writes nothing", async () => {
    await using folder = await temporaryFolder();
    const { data, config, gone } = await filled(folder);
    const before = await filesBelow(data);

    const { exit, out } = await prune("--data", data, "-c", config, "-n", "--json");

    expect(exit).toBe(0);
    const { registries } = JSON.parse(out.join("\n")) as {
      registries: { plan: { totals: { bytes: object; tags: object }; registry: object } }[];
    };
    const [{ plan } = { plan: null }] = registries;
    expect(plan?.registry).toMatchObject({ place: data, bytes: "exact" });
    const sizeOf = ({ bytes, blobs }: Fixture): number =>
      bytes.length + blobs.reduce((sum, one) => sum + one.bytes.length, 0);
    const [v9, ...others] = gone;
    expect(plan?.totals).toMatchObject({
      tags: { all: 5, deleted: 3 },
      bytes: {
        freed: others.reduce((sum, one) => sum + sizeOf(one), 0),
        shared: sizeOf(v9!),
      },
    });
    expect(await filesBelow(data)).toEqual(before);
  });

  test("removes it, so that a collection frees the bytes; or the trash gives it back, file by file", async () => {
    await using folder = await temporaryFolder();
    const { data, config, before } = await filled(folder);

    const { exit, err } = await prune("--data", data, "-c", config, "--yes");
    expect({ exit, err: exit === 0 ? [] : err }).toEqual({ exit: 0, err: [] });
    const left = await treeOf(data);
    for (const tag of ["v1.9.0", "nightly", "old"]) {
      expect(left.filter((path) => path.includes(`/tags/${tag}/`))).toEqual([]);
    }
    expect(left.filter((path) => path.includes("/tags/v1.10.0/"))).not.toEqual([]);
    const again = await prune("--data", data, "-c", config, "--yes");
    expect([again.exit, ...again.err].join("\n")).toContain("nothing goes");

    const all = await runCommand(trashCommand, ["restore", "--all", "--data", data, "--yes"]);
    expect(all.exit).toBe(0);
    expect(await treeOf(data)).toEqual([...before]);

    await age(data);
    expect((await prune("--data", data, "-c", config, "--yes")).exit).toBe(0);
    await age(data);
    expect((await runCommand(gcCommand, [data, "--yes"])).exit).toBe(0);
    expect((await runCommand(checkCommand, [data])).exit).toBe(0);
    const blobs = (files: readonly string[]): number =>
      files.filter((path) => path.includes("/blobs/")).length;
    // An index, and of two images the manifest, the config and the layer.
    expect(blobs(before) - blobs(await treeOf(data))).toBe(7);
  });

  test("wants policies, and a folder that nobody else has open", async () => {
    await using folder = await temporaryFolder();
    const { data, config, before } = await filled(folder);
    expect((await prune("--data", data, "--yes")).exit).toBe(2);
    expect((await prune("--data", folder.at("nowhere"), "-c", config, "--yes")).exit).not.toBe(0);

    Bun.spawnSync(["mkdir", "-p", join(data, "wharfinger")]);
    const lock = lockFolder(join(data, "wharfinger"));
    const { exit, err } = await prune("--data", data, "-c", config, "--yes");
    lock.release();
    expect(exit).not.toBe(0);
    expect(err.join("\n")).toContain("has it open");
    expect(await treeOf(data)).toEqual([...before]);
  });
});
