import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdir, rm } from "node:fs/promises";
import { backUp, restoreAll, runBackup, runRestore } from "../support/backup.ts";
import { expectClean } from "../support/clean.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { fill, smallDisk, whyNoDisk } from "./support/small-disk.ts";

setDefaultTimeout(120_000);

const reason = await whyNoDisk();
if (reason !== null && process.env["CI"] === "true") throw new Error(reason);

describe.skipIf(reason !== null)(`a full disk${reason === null ? "" : ` (${reason})`}`, () => {
  const layers = { layers: 4, size: 1_000_000 };

  test("ends a backup, which leaves no file, and the next try works when there is room", async () => {
    await using disk = await smallDisk("size=8m");
    if (!disk) throw new Error("the disk could not be mounted");
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using registry = await localRegistry({}, { data });
    await image(layers).push(registry.url, "team/app", "1");
    await fill(disk, "others", 2_000_000);

    for (const target of ["a.tar", "a.tar.gz", "folder"]) {
      const { exit, err } = await runBackup(disk.at(target), "--data", data);
      expect([exit, err.join()]).toEqual([
        1,
        expect.stringMatching(/backup was not made: .*ENOSPC/),
      ]);
      // What a folder has so far stays: the next try goes on with it.
      const left = (await readdir(disk.path)).filter((name) => name !== "others");
      expect(left).toEqual(target === "folder" ? ["folder"] : []);
    }
    await rm(disk.at("others"));
    await backUp(data, disk.at("folder"));
    await restoreAll(folder.at("to"), disk.at("folder"));
    await expectClean(folder.at("to"));
  });

  test("ends a restore, after which nothing is named that is not there, and which goes on later", async () => {
    await using disk = await smallDisk("size=8m");
    if (!disk) throw new Error("the disk could not be mounted");
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    {
      await using registry = await localRegistry({}, { data });
      await image(layers).push(registry.url, "team/app", "1");
    }
    await backUp(data, folder.at("a.tar"));
    await fill(disk, "others", 2_500_000);

    const { exit, err } = await runRestore(folder.at("a.tar"), "--data", disk.at("to"), "--yes");

    expect([exit, err.at(-1)]).toEqual([
      1,
      expect.stringMatching(/disk is full: .*running the same restore again goes on from here/),
    ]);
    expect(await readdir(disk.at("to", "docker", "registry", "v2"))).toEqual(["blobs"]);
    await rm(disk.at("others"));
    const again = await restoreAll(disk.at("to"), folder.at("a.tar"));
    expect(again.out.join()).not.toContain("6 blobs brought");
    await expectClean(disk.at("to"));
  });
});
