import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFile, cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseName } from "../../src/oci/name.ts";
import { restoreAll, runRestore } from "../support/backup.ts";
import { expectClean } from "../support/clean.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { run } from "../support/run.ts";
import { newTreeIn } from "../support/stored-tree.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(60_000);

const shared = image();

/** A data folder of ours, after a regular stop. */
async function stopped(folder: Folder): Promise<string> {
  const data = folder.at("data");
  await using registry = await localRegistry({}, { data });
  await shared.push(registry.url, "team/app", "1");
  await index([shared, image()]).push(registry.url, "team/app/deep", "multi");
  // A repository may be called like a part of the layout.
  await image().push(registry.url, "v2/blobs/x", "1");
  return data;
}

describe("wharf restore takes what tar has made of a stopped registry", () => {
  const ways: readonly [what: string, top: string, command: (data: string) => string[]][] = [
    ["the folder, by its name", "", (data) => ["-C", dirname(data), "data"]],
    ["what is in the folder", "", (data) => ["-C", data, "."]],
    ["docker/ alone", "", (data) => ["-C", data, "docker"]],
    ["registry/ alone", "", (data) => ["-C", join(data, "docker"), "registry"]],
    ["v2/ alone", "", (data) => ["-C", join(data, "docker", "registry"), "v2"]],
    ["docker/ and wharfinger/", "", (data) => ["-C", data, "docker", "wharfinger"]],
    ["var/lib/registry", "var/lib/registry", (data) => ["-C", data, "var"]],
  ];
  const restores = async (what: string, flags: readonly string[]): Promise<void> => {
    const [, top = "", command] = ways.find(([name]) => name === what) ?? [];
    await using folder = await temporaryFolder();
    const data = await stopped(folder);
    if (top !== "") {
      await mkdir(join(data, top), { recursive: true });
      await rename(join(data, "docker"), join(data, top, "docker"));
    }
    const archive = folder.at("made.tar");
    await run(["tar", ...flags, "-cf", archive, ...(command?.(data) ?? [])]);

    await restoreAll(folder.at("to"), archive);

    const { repositories, tags } = await expectClean(folder.at("to"));
    expect({ repositories, tags }).toEqual({ repositories: 3, tags: 3 });
  };
  for (const [what] of ways) test(what, async () => await restores(what, []));
  test("compressed with gzip", async () => await restores("docker/ alone", ["-z"]));
  test.skipIf(!Bun.which("zstd"))("compressed with zstd", async () => {
    await restores("docker/ alone", ["--zstd"]);
  });
  test("in the older format of GNU tar, and in that of POSIX", async () => {
    await restores("docker/ alone", ["--format=gnu"]);
    await restores("docker/ alone", ["--format=posix"]);
  });

  test("without believing a database in it, and takes its users only when told", async () => {
    await using folder = await temporaryFolder();
    const data = await stopped(folder);
    await writeFile(join(data, "wharfinger", "metadata.sqlite"), "not a database");
    await writeFile(join(data, "wharfinger", "htpasswd"), "alice:x\n");
    await run(["tar", "-cf", folder.at("made.tar"), "-C", data, "."]);

    await restoreAll(folder.at("to"), folder.at("made.tar"));
    expect(await filesBelow(folder.at("to", "wharfinger"))).toEqual(["lock"]);
    const { exit } = await runRestore(
      folder.at("made.tar"),
      "--data",
      folder.at("to"),
      "--with-users",
    );
    expect(exit).toBe(0);
    expect(await filesBelow(folder.at("to", "wharfinger"))).toEqual(["htpasswd", "lock"]);
    await expectClean(folder.at("to"));
  });

  test("and leaves out what was broken in it, with a reason for each", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const tree = newTreeIn(data);
    const [good, torn, lost] = [image(), image(), image()];
    await tree.put(parseName("team/app"), good, "good");
    await tree.put(parseName("team/app"), torn, "torn");
    await tree.put(parseName("team/app"), lost, "lost");
    const repository = join(data, "docker/registry/v2/repositories/team/app");
    await writeFile(join(repository, "_manifests/tags/torn/current/link"), "");
    await rm(inTree(data).blob(lost.digest));
    await rm(inTree(data).blob(lost.blobs[1]!.descriptor.digest));
    // What a crash, an upload and people leave.
    await mkdir(join(repository, "_uploads/1234"), { recursive: true });
    await writeFile(join(repository, "_uploads/1234/data"), "half");
    await writeFile(join(dirname(inTree(data).blob(good.digest)), ".wharfinger-x"), "half");
    await writeFile(join(data, "README"), "ours");
    await appendFile(join(repository, "_manifests/tags/good/current/link"), "\n");
    await run(["tar", "-cf", folder.at("made.tar"), "-C", data, "."]);

    const { exit, err } = await runRestore(
      folder.at("made.tar"),
      "--data",
      folder.at("to"),
      "--yes",
    );

    expect(exit).toBe(0);
    expect(err.filter((line) => /left out|not looked at/.test(line))).toEqual([
      expect.stringContaining("tags/torn/current/link is empty or torn: the tag is left out"),
      "  left out: team/app: the bytes of 1 linked blobs are not there",
      `  left out: team/app: the manifest ${lost.digest} is not there`,
      `  left out: team/app:lost names ${lost.digest}, which is not there`,
      "  not looked at: 1 file of no registry",
    ]);
    expect(await expectClean(folder.at("to"))).toMatchObject({ tags: 1, manifests: 2 });
  });

  test("and a folder that is a copy of one, but not one that a server has open", async () => {
    await using folder = await temporaryFolder();
    const data = await stopped(folder);
    await cp(data, folder.at("copy"), { recursive: true });
    await restoreAll(folder.at("to"), folder.at("copy"));
    expect((await expectClean(folder.at("to"))).tags).toBe(3);

    await using _ = await localRegistry({}, { data });
    const { exit, err } = await runRestore(data, "--data", folder.at("other"), "--yes");
    expect([exit, err.join()]).toEqual([1, expect.stringContaining("`wharf backup` copies it")]);
  });
});
