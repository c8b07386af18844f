import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseTag } from "../oci/reference.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import {
  blobPath,
  layerLink,
  linkBytes,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
} from "../storage/tree.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { APP, OTHER, blobOf, bytesOf, digestFor, pushOf } from "./contract/fixtures.ts";
import { followTree } from "./follow-tree.ts";
import type { Metadata } from "./metadata.ts";
import { settleJournal } from "./settle-journal.ts";
import { openSqlite } from "./sqlite.ts";
import { linksOf } from "./tree-model.ts";

let folder: Folder;
let metadata: Metadata;
let storage: Storage;
/** The same, and all can be read. */
let unhidden: Storage;

const REVISION = revisionLink(APP, digestFor("one"));
const LAYER = layerLink(APP, digestFor("layer"));

beforeEach(async () => {
  folder = await temporaryFolder();
  metadata = await openSqlite(folder.at("metadata.sqlite"));
  storage = unhidden = memoryStorage();
  await storage.write([{ path: blobPath(digestFor("layer")), bytes: bytesOf("layer") }]);
  await metadata.linkBlob(APP, blobOf("layer"), 1000, null);
  await metadata.putManifest(pushOf(APP, "one"));
  await metadata.putManifest(pushOf(APP, "two", { tags: ["v1"] }));
  const records = await metadata.readJournal(1000);
  await followTree(records, metadata, storage);
  await metadata.retireJournal(records.at(-1)?.id ?? 0);
  // And then we are gone, before the tree has followed.
  await metadata.removeManifest(APP, digestFor("one"), 2000);
  await metadata.unlinkBlob(APP, digestFor("layer"), 2000);
});

afterEach(async () => {
  await metadata.close();
  await folder[Symbol.asyncDispose]();
});

/** What another registry does to the tree while we are down. */
async function push(word: string, tag: string, name = APP): Promise<void> {
  const digest = digestFor(word);
  await storage.write([
    { path: blobPath(digest), bytes: bytesOf(word) },
    { path: revisionLink(name, digest), bytes: linkBytes(digest) },
    { path: tagIndexLink(name, parseTag(tag), digest), bytes: linkBytes(digest) },
    { path: tagCurrentLink(name, parseTag(tag)), bytes: linkBytes(digest) },
  ]);
}

describe("what we were about to remove from a repository", () => {
  test.each([
    ["tagged it", async () => await push("one", "new")],
    ["moved a tag to it", async () => await push("one", "v1")],
    ["pushed something else, which may name it", async () => await push("three", "v1")],
    ["left what cannot be read", async () => await hide("new")],
  ])("stays when another registry has %s, and is reported", async (_, meanwhile) => {
    await meanwhile();

    const conflicts = await settleJournal(metadata, storage);

    expect(conflicts.map(({ name, problem }) => [name, problem])).toEqual([
      [APP, expect.stringContaining("what we had removed there stays")],
    ]);
    const links = await linksOf(unhidden);
    expect(links).toContainKeys([REVISION, LAYER]);
    expect(await metadata.readJournal(10)).toEqual([]);
  });

  test("stays out of the tree when its bytes went meanwhile, too", async () => {
    await metadata.linkBlob(APP, blobOf("other layer"), 2000, null);
    await metadata.unlinkBlob(APP, digestFor("other layer"), 2000);
    await push("three", "new");

    expect(await settleJournal(metadata, storage)).not.toEqual([]);

    expect(await linksOf(storage)).not.toContainKey(layerLink(APP, digestFor("other layer")));
  });

  test.each([
    ["nobody has pushed", async () => undefined],
    ["another repository got it", async () => await push("one", "new", OTHER)],
    ["somebody has left a tag that is torn", async () => await tear("new")],
    ["somebody has pushed again what was there", async () => await push("two", "v1")],
  ])("goes when %s", async (_, meanwhile) => {
    await meanwhile();

    expect(await settleJournal(metadata, storage)).toEqual([]);

    const links = await linksOf(storage);
    expect(links).not.toContainKey(REVISION);
    expect(links).not.toContainKey(LAYER);
  });
});

async function hide(tag: string): Promise<void> {
  await push("two", tag);
  const path = tagCurrentLink(APP, parseTag(tag));
  storage = {
    ...storage,
    async readSmall(one) {
      if (one === path) throw Object.assign(new Error("EACCES"), { code: "EACCES" });
      return await unhidden.readSmall(one);
    },
  };
}

async function tear(tag: string): Promise<void> {
  const path = tagCurrentLink(APP, parseTag(tag));
  await storage.write([{ path, bytes: bytesOf("sha256:12") }]);
}
