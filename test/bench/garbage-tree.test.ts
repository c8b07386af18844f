import { expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type FolderGc, collectFolder, planFolder } from "../../src/gc/collect-folder.ts";
import { lookAtTree } from "../../src/gc/tree-look.ts";
import { TreeReader } from "../../src/inventory/from-tree.ts";
import { treeFiles } from "../../src/storage/tree-files.ts";
import { expectClean } from "../support/clean.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { collectGarbage } from "../support/other-registries.ts";
import { clientPath } from "../support/peers.ts";
import { writeGarbageTree } from "./garbage-tree.ts";

const small = { repositories: 4, tagged: 3, untagged: 2 };
/** Enough blobs for a second thread. */
const large = { repositories: 12, tagged: 6, untagged: 6 };

function files(data: string): number {
  const entries = readdirSync(join(data, "docker"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

function purge(folder: string): FolderGc {
  const now = Date.now();
  return { folder, now, grace: 3_600_000, untaggedAfter: undefined, purge: true, consent: true };
}

test("the bench's tree has as many files as it says, and without its garbage every image is whole", async () => {
  await using folder = await temporaryFolder();
  const tree = writeGarbageTree(folder.path, small);
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

test("a collection leaves exactly what is live of it", async () => {
  await using folder = await temporaryFolder();
  const tree = writeGarbageTree(folder.path, large);
  const { totals } = await planFolder(purge(folder.path));
  expect(totals).toMatchObject({
    manifests: { live: 72, garbage: tree.dead.manifests },
    blobs: { live: 72 * 5 + 5, garbage: tree.dead.blobs },
    links: { garbage: tree.dead.links - tree.dead.manifests },
  });
  expect(files(folder.path)).toBe(tree.files);

  await collectFolder(purge(folder.path), null, () => {});
  expect(files(folder.path)).toBe(tree.live);
  expect(await expectClean(folder.path)).toMatchObject({ tags: 72, manifests: 72 });
});

test("two threads find in it what one finds", async () => {
  await using folder = await temporaryFolder();
  const tree = writeGarbageTree(folder.path, large);
  rmSync(tree.deadFolders.find((path) => path.includes("/blobs/")) ?? "", { recursive: true });
  // As many folders of blobs are what the second thread is started for.
  expect(new TreeReader(treeFiles(folder.path)).blobFolders().length).toBeGreaterThan(200);
  const before = Date.now() - 3_600_000;
  const policy = {
    now: Date.now(),
    seenBefore: before,
    remainsBefore: before,
    untaggedBefore: before,
    protectedDigests: [],
    waitingUntil: null,
    removeEmpty: true,
  };
  const seen = async (overlay: boolean) => {
    const look = await lookAtTree(treeFiles(folder.path), policy, {
      findMissing: true,
      // With one, all is read in the first thread.
      ...(overlay && { overlay: async (repository) => repository }),
    });
    const { blobs } = look.reader;
    const digests = (ids: Iterable<number>): string[] =>
      [...ids].map((id) => blobs.digestOf(id)).toSorted();
    return {
      ...look,
      reader: null,
      totals: { ...look.totals, seconds: 0 },
      garbage: digests(look.garbage()),
      repositories: look.repositories.map(({ letsGo, ...rest }) => ({
        ...rest,
        letsGo: [digests(letsGo.manifests), digests(letsGo.links)],
      })),
    };
  };
  const two = await seen(false);
  expect(two.repositories).toHaveLength(12);
  expect(two).toEqual(await seen(true));
});

group("docker-registry on the bench's tree", ["docker-registry"], () => {
  test("leaves the links of the layers that it removes", async () => {
    await using folder = await temporaryFolder();
    const tree = writeGarbageTree(folder.path, small);
    await collectGarbage(clientPath("docker-registry"), folder.path, "--delete-untagged");
    expect(files(folder.path)).toBe(tree.live + tree.dead.links - tree.dead.manifests);
  });
});
