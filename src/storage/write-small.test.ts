import { expect, test } from "bun:test";
import { openSync } from "node:fs";
import { temporaryFolder } from "../../test/support/folder.ts";
import { realDisk } from "./disk.ts";
import { writeSmall } from "./write-small.ts";

test("every folder that leads to an object is synced where the system cannot sync all at once, also above one that lost an entry", async () => {
  await using folder = await temporaryFolder();
  const synced = new Set<string>();
  const paths = new Map<number, string>();
  const disk: typeof realDisk = {
    ...realDisk,
    syncfs: () => false,
    openSync(path, flags) {
      const descriptor = openSync(path, flags, 0o644);
      paths.set(descriptor, path);
      return descriptor;
    },
    fsyncSync: (descriptor) => void synced.add(paths.get(descriptor) ?? ""),
  };

  writeSmall(
    folder.path,
    [{ path: "a/b/c/link", bytes: Buffer.from("x") }],
    [folder.at("a/b"), folder.at("gone")],
    disk,
  );

  const all = ["a/b/c/link", "a/b/c", "a/b", "a"].map((path) => folder.at(path));
  expect([...synced].toSorted()).toEqual([...all, folder.path].toSorted());
});
