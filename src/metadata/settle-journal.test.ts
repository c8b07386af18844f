import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { RepositoryName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import {
  blobPath,
  layerLink,
  linkBytes,
  readLink,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
  tagPath,
} from "../storage/tree.ts";
import {
  APP,
  OTHER,
  blobOf,
  bytesOf,
  digestFor,
  journalOf,
  pushOf,
  snapshotOf,
} from "./contract/fixtures.ts";
import { followTree } from "./follow-tree.ts";
import type { Metadata } from "./metadata.ts";
import { settleJournal } from "./settle-journal.ts";
import { openSqlite } from "./sqlite.ts";
import {
  Cut,
  type Damage,
  FragileStorage,
  TreeModel,
  linksOf,
  make,
  missingFrom,
} from "./tree-model.ts";

let folder: string;
let metadata: Metadata;
let storage: Storage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
  metadata = await openSqlite(join(folder, "metadata.sqlite"));
});

afterAll(async () => {
  await metadata.close();
  await rm(folder, { recursive: true });
});

beforeEach(begin);

/** An empty registry. */
async function begin(): Promise<void> {
  for (const name of await metadata.listRepositories({ last: null, limit: 1000 })) {
    await metadata.replaceRepository(snapshotOf(name, [], {}));
  }
  await retire();
  storage = memoryStorage();
}

async function retire(): Promise<void> {
  const last = (await metadata.readJournal(1_000_000)).at(-1);
  if (last) await metadata.retireJournal(last.id);
}

/** The tree has followed all that was changed so far. */
async function follow(): Promise<void> {
  await followTree(await metadata.readJournal(1_000_000), metadata, storage);
  await retire();
}

const push = async (word: string, tag: string, name = APP): Promise<void> =>
  void (await metadata.putManifest(pushOf(name, word, { tags: [tag] })));

async function currentOf(tag: string, name: RepositoryName = APP): Promise<string | null> {
  const bytes = await storage.readSmall(tagCurrentLink(name, parseTag(tag)));
  return bytes && readLink(bytes);
}

/** What another registry does to the tree while we are down. */
const elsewhere = {
  async push(word: string, tag: string, name = APP): Promise<void> {
    const digest = digestFor(word);
    await storage.write([
      { path: blobPath(digest), bytes: bytesOf(word) },
      { path: revisionLink(name, digest), bytes: linkBytes(digest) },
      { path: tagIndexLink(name, parseTag(tag), digest), bytes: linkBytes(digest) },
      { path: tagCurrentLink(name, parseTag(tag)), bytes: linkBytes(digest) },
    ]);
  },
  async untag(tag: string, name = APP): Promise<void> {
    await storage.delete(tagPath(name, parseTag(tag)));
  },
};

describe("what the last life left undone", () => {
  const changes = fc.array(
    fc.oneof(
      fc.record({
        op: fc.constantFrom("link", "link small", "mount", "unlink", "collect"),
        name: fc.constantFrom(APP, OTHER),
        word: fc.constantFrom("blob 1", "blob 2"),
        tag: fc.constant(""),
      }),
      fc.record({
        op: fc.constantFrom(
          "push",
          "push tagged",
          "push tagged",
          "push needing",
          "untag",
          "remove",
          "collect",
        ),
        name: fc.constantFrom(APP, OTHER),
        word: fc.constantFrom("manifest 1", "manifest 2", "manifest 3"),
        tag: fc.constantFrom("v1", "v2"),
      }),
    ),
    { maxLength: 12, size: "max" },
  );
  const damages = fc.array(
    fc.constantFrom<Damage>("new", "new", "old", "absent", "empty", "torn"),
    {
      minLength: 1,
      maxLength: 8,
    },
  );

  interface Crash {
    /** How many entries were being followed. */
    readonly batch: number;
    /** How many effects came to pass. */
    readonly cut: number;
    /** What became of what was not synced. */
    readonly damages: readonly Damage[];
  }
  const crash: fc.Arbitrary<Crash> = fc.record({
    batch: fc.integer({ min: 1, max: 20 }),
    cut: fc.nat(20),
    damages,
  });

  async function followBatch(batch: number, fragile: FragileStorage): Promise<void> {
    const records = await metadata.readJournal(batch);
    const last = records.at(-1);
    if (!last) return;
    await followTree(records, metadata, fragile);
    await metadata.retireJournal(last.id);
  }

  async function untilCut(
    fragile: FragileStorage,
    cut: number,
    work: () => Promise<unknown>,
  ): Promise<void> {
    fragile.left = cut;
    await work().catch((error: unknown) => {
      if (!(error instanceof Cut)) throw error;
    });
  }

  test("is brought to the tree after a power cut at any moment, whatever it did to files that were not synced", async () => {
    await fc.assert(
      fc.asyncProperty(
        changes,
        changes,
        crash,
        fc.option(crash),
        async (before, after, first, second) => {
          await begin();
          const fragile = new FragileStorage(storage);
          const model = new TreeModel();
          for (const group of [before, after]) {
            const answers = await make(group, metadata, storage);
            for (const [at, change] of group.entries()) model.apply(change, answers[at]);
            if (group === before) await followBatch(1000, fragile);
          }
          await untilCut(fragile, first.cut, async () => await followBatch(first.batch, fragile));
          await fragile.crash(first.damages);
          if (second) {
            // Coming up again may be cut off as well.
            await untilCut(fragile, second.cut, async () => await settleJournal(metadata, fragile));
            await fragile.crash(second.damages);
          }

          const conflicts = await settleJournal(metadata, fragile);

          expect(conflicts.map(({ problem }) => problem)).toEqual([]);
          expect(await linksOf(storage)).toEqual(model.links());
          expect(await missingFrom(storage, model)).toEqual([]);
          expect(await metadata.readJournal(10)).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);

  test("is nothing after a stop in peace, and then the tree is not touched", async () => {
    await push("one", "v1");
    await followBatch(1000, new FragileStorage(storage));
    const untouchable = new Proxy(storage, {
      get: (_, method) => {
        throw new Error(`${String(method)} was called`);
      },
    });

    expect(await settleJournal(metadata, untouchable)).toEqual([]);
  });

  test.each([
    ["empty", new Uint8Array()],
    ["torn", bytesOf("sha256:abc")],
    ["full of zeros", new Uint8Array(71)],
  ])("is written over a link that is %s", async (_, left) => {
    await push("one", "v1");
    const digest = digestFor("one");
    const links = [
      revisionLink(APP, digest),
      tagIndexLink(APP, parseTag("v1"), digest),
      tagCurrentLink(APP, parseTag("v1")),
    ];
    await storage.write(links.map((path) => ({ path, bytes: left })));

    expect(await settleJournal(metadata, storage)).toEqual([]);

    for (const path of links) {
      expect(readLink((await storage.readSmall(path)) ?? left)).toBe(digest);
    }
  });

  test.each([
    ["empty", () => new Uint8Array()],
    ["torn", (size: number) => new Uint8Array(size >> 1)],
    ["full of zeros", (size: number) => new Uint8Array(size)],
  ])("is written over the bytes of a manifest and of a small blob that are %s", async (_, left) => {
    await metadata.linkBlob(APP, blobOf("small"), 1000, bytesOf("small"));
    await push("one", "v1");
    const words = ["small", "one"];
    await storage.write(
      words.map((word) => ({ path: blobPath(digestFor(word)), bytes: left(word.length) })),
    );

    expect(await settleJournal(metadata, storage)).toEqual([]);

    const found = words.map(async (word) => await storage.readSmall(blobPath(digestFor(word))));
    expect(await Promise.all(found)).toEqual(words.map(bytesOf));
  });
});

describe("what another program did to the tree meanwhile", () => {
  test("a tag that it moved stays as it is there, and is reported", async () => {
    await push("one", "v1");
    await follow();
    await push("two", "v1");
    await elsewhere.push("three", "v1");

    const conflicts = await settleJournal(metadata, storage);

    expect(await currentOf("v1")).toBe(digestFor("three"));
    expect(conflicts).toHaveLength(1);
    expect(conflicts[0]?.name).toBe(APP);
    expect(conflicts[0]?.problem).toContain("tag v1 was moved");
    expect(conflicts[0]?.problem).toContain(digestFor("three"));
    expect(conflicts[0]?.problem).toContain(digestFor("two"));
  });

  test("a tag that it made, and that we made too, stays as it is there", async () => {
    await push("two", "v1");
    await elsewhere.push("three", "v1");

    const conflicts = await settleJournal(metadata, storage);

    expect(conflicts.map(({ name }) => name)).toEqual([APP]);
    expect(await currentOf("v1")).toBe(digestFor("three"));
  });

  test("a tag that it moved, and that we removed, stays", async () => {
    await push("one", "v1");
    await follow();
    await metadata.removeTag(APP, parseTag("v1"), 2000);
    await elsewhere.push("three", "v1");

    const conflicts = await settleJournal(metadata, storage);

    expect(conflicts[0]?.problem).toContain("deletion is not applied");
    expect(await currentOf("v1")).toBe(digestFor("three"));
  });

  test("a tag that it removed, and that we moved, does not come back unsaid", async () => {
    await push("one", "v1");
    await follow();
    await push("two", "v1");
    await elsewhere.untag("v1");

    const conflicts = await settleJournal(metadata, storage);

    expect(conflicts.map(({ name }) => name)).toEqual([APP]);
    expect(await currentOf("v1")).toBeNull();
  });

  test("a tag that it moved to where we moved it too is no conflict", async () => {
    await push("one", "v1");
    await follow();
    await push("two", "v1");
    await elsewhere.push("two", "v1");

    expect(await settleJournal(metadata, storage)).toEqual([]);
    expect(await currentOf("v1")).toBe(digestFor("two"));
  });

  test("a tag that still shows what we once wrote on the way is ours to move on", async () => {
    await push("one", "v1");
    await follow();
    await push("two", "v1");
    await push("three", "v1");
    await elsewhere.push("two", "v1");

    expect(await settleJournal(metadata, storage)).toEqual([]);
    expect(await currentOf("v1")).toBe(digestFor("three"));
  });

  test("all the rest is brought to the tree: other tags, the manifest, other repositories", async () => {
    await push("one", "v1");
    await follow();
    await push("two", "v1");
    await push("two", "v2");
    await push("two", "v1", OTHER);
    await elsewhere.push("three", "v1");

    const conflicts = await settleJournal(metadata, storage);

    expect(conflicts).toHaveLength(1);
    expect(await currentOf("v2")).toBe(digestFor("two"));
    expect(await currentOf("v1", OTHER)).toBe(digestFor("two"));
    expect(await storage.readSmall(revisionLink(APP, digestFor("two")))).not.toBeNull();
    expect(await journalOf(metadata)).toEqual([]);
  });

  test("a layer whose bytes it removed is not linked, and is reported", async () => {
    await metadata.linkBlob(APP, blobOf("gone"), 1000, null);
    await storage.write([{ path: blobPath(digestFor("there")), bytes: bytesOf("there") }]);
    await metadata.linkBlob(APP, blobOf("there"), 1000, null);

    const conflicts = await settleJournal(metadata, storage);

    expect(conflicts.map(({ name }) => name)).toEqual([APP]);
    expect(conflicts[0]?.problem).toContain(digestFor("gone"));
    expect(await storage.readSmall(layerLink(APP, digestFor("gone")))).toBeNull();
    expect(await storage.readSmall(layerLink(APP, digestFor("there")))).not.toBeNull();
  });

  test("a small layer is linked with its own bytes: they were never only in the tree", async () => {
    await metadata.linkBlob(APP, blobOf("small"), 1000, bytesOf("small"));

    expect(await settleJournal(metadata, storage)).toEqual([]);

    expect(await storage.readSmall(blobPath(digestFor("small")))).toEqual(bytesOf("small"));
    expect(await storage.readSmall(layerLink(APP, digestFor("small")))).not.toBeNull();
  });

  test("a layer that we unlinked in the end is no conflict, with or without bytes", async () => {
    await metadata.linkBlob(APP, blobOf("gone"), 1000, null);
    await metadata.unlinkBlob(APP, digestFor("gone"), 2000);

    expect(await settleJournal(metadata, storage)).toEqual([]);
  });

  test("is reported once: after that the journal is settled", async () => {
    await push("two", "v1");
    await elsewhere.push("three", "v1");
    await settleJournal(metadata, storage);
    const tree = await linksOf(storage);

    expect(await settleJournal(metadata, storage)).toEqual([]);
    expect(await linksOf(storage)).toEqual(tree);
  });
});
