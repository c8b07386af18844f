import { expect, test } from "bun:test";
import { image } from "../../test/support/image.ts";
import { newTree, read, takenFrom } from "../../test/support/stored-tree.ts";
import { digestOf, parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { BLOBS, blobPath, layerLink, layersPath, tagsPath } from "../storage/tree.ts";
import { type KnownRepository, UNKNOWN_REPOSITORY } from "./metadata.ts";

const APP = parseName("team/app");
const OTHER = parseName("other");

const one = image();
const LAYER = parseDigest(one.blobs[1]?.descriptor.digest ?? "");
const KNOWN: KnownRepository = {
  ...UNKNOWN_REPOSITORY,
  blobs: new Map(one.blobs.map(({ descriptor: { digest, size } }) => [parseDigest(digest), size])),
  manifests: new Map([[parseDigest(one.digest), one.bytes.length]]),
};

test("a folder of blobs that is not there at all, as when its disk is not mounted, takes nothing away", async () => {
  const tree = newTree();
  await tree.put(APP, one);
  await tree.put(OTHER, one);
  await tree.storage.delete(BLOBS);
  // A client that pushes meanwhile makes the folder, but not what was in it.
  const storage: Storage = {
    ...tree.storage,
    async *list(folder) {
      yield* tree.storage.list(folder);
      if (folder === layersPath(APP)) await tree.write(`${BLOBS}/sha256/ab/new`, "");
    },
  };
  const { report, recorded } = await read(storage, {}, { [APP]: KNOWN, [OTHER]: KNOWN });
  for (const name of [APP, OTHER]) expect(takenFrom(KNOWN, recorded.get(name))).toEqual([]);
  expect(report.unread.toSorted()).toEqual([OTHER, APP]);
  expect(report.problems).toContainEqual({
    repository: APP,
    path: layerLink(APP, LAYER),
    problem: `it cannot be read; what is known of it stays (${BLOBS} is missing)`,
  });
});

test("bytes that a collection has removed are lost, and their link with them", async () => {
  const tree = newTree();
  await tree.put(APP, one);
  await tree.storage.delete(blobPath(LAYER));
  const { recorded } = await read(tree.storage, {}, { [APP]: KNOWN });
  expect(recorded.get(APP)?.keep?.blobs).not.toContain(LAYER);
});

test("something else in the place of a folder on the way to the bytes takes nothing away", async () => {
  const tree = newTree();
  await tree.put(APP, one);
  const folder = blobPath(LAYER).split("/").slice(0, -2).join("/");
  await tree.storage.delete(folder);
  await tree.write(folder, "a file");
  const { report, recorded } = await read(tree.storage, {}, { [APP]: KNOWN });
  expect(takenFrom(KNOWN, recorded.get(APP))).toEqual([]);
  expect(recorded.get(APP)?.unreadable).toHaveLength(1);
  expect(report.unread).toEqual([]);
});

test("very many links and tags that another registry left empty cost a look each, not a list of all", async () => {
  const tree = newTree();
  const many = 200;
  const folders = new Set<string>();
  for (let at = 0; at < many; at++) {
    const link = layerLink(APP, digestOf(Buffer.from(String(at))));
    folders.add(link.slice(0, -"/link".length));
    folders.add(`${tagsPath(APP)}/t${at}`);
  }
  let lists = 0;
  // In memory no folder is empty; on a disk these are.
  const storage: Storage = {
    ...tree.storage,
    async *list(folder) {
      if (folder === `${layersPath(APP)}/sha256` || folder === tagsPath(APP)) {
        lists++;
        for (const path of folders) {
          const cut = path.lastIndexOf("/");
          if (path.slice(0, cut) === folder) yield { name: path.slice(cut + 1), kind: "folder" };
        }
      } else yield* tree.storage.list(folder);
    },
  };
  await tree.put(APP, one, "v1");
  const { report } = await read(storage);
  expect(report.problems.length).toBeGreaterThan(0);
  expect(lists).toBe(2);
});
