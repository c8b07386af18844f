import { expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expectClean } from "../support/clean.ts";
import { temporaryFolder } from "../support/folder.ts";
import { writeGarbageTree } from "./garbage-tree.ts";

const shape = { repositories: 4, tagged: 3, untagged: 2 };

function files(data: string): number {
  const entries = readdirSync(join(data, "docker"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

test("the bench's tree has as many files as it says, and without its garbage every image is whole", async () => {
  await using folder = await temporaryFolder();
  const tree = writeGarbageTree(folder.path, shape);
  // Config, three layers and manifest of each image, what all share, and an orphan.
  const blobs = 4 * 5 * 5 + 5 + 1;
  const links = 4 * (5 * 4 + 5) + 4 * 5;
  const tags = 4 * 3 * 2;
  expect(files(folder.path)).toBe(blobs + links + tags);
  expect(tree.files).toBe(blobs + links + tags);
  expect(tree.dead).toEqual({ manifests: 8, blobs: 8 * 5 + 1, links: 8 * 5 });
  expect(tree.live).toBe(tree.files - 81);

  for (const dead of tree.deadFolders) rmSync(dead, { recursive: true });
  expect(files(folder.path)).toBe(tree.live);
  expect(await expectClean(folder.path)).toMatchObject({ tags: 12, manifests: 12 });
});
