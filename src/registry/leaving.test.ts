import { describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { temporaryFolder } from "../../test/support/folder.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import type { Storage } from "../storage/storage.ts";
import { TRASH, blobPath, trashPath } from "../storage/tree.ts";
import { settleClaims, takeAway } from "./leaving.ts";

const APP = parseName("app");
const NOW = { run: 1, now: 100 };

interface World extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly storage: Storage;
  readonly root: string;
  /** A blob that nobody links any more. */
  doomed(word: string): Promise<Digest>;
}

async function world(): Promise<World> {
  const folder = await temporaryFolder();
  const metadata = await openSqlite(`${folder.path}/metadata.sqlite`);
  const storage = filesystemStorage(folder.path);
  return {
    metadata,
    storage,
    root: folder.path,
    async doomed(word) {
      const bytes = new TextEncoder().encode(word);
      const digest = digestOf(bytes);
      await storage.write([{ path: blobPath(digest), bytes }]);
      await metadata.linkBlob(APP, { digest, size: bytes.length }, 1, null);
      await metadata.unlinkBlob(APP, digest, 2);
      // The tree has followed.
      await metadata.retireJournal(Number.MAX_SAFE_INTEGER);
      return digest;
    },
    async [Symbol.asyncDispose]() {
      await metadata.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** As a manifest: its bytes are in its row, and nobody waits for a collection. */
async function pushAsManifest(metadata: Metadata, word: string): Promise<void> {
  const bytes = new TextEncoder().encode(word);
  await metadata.putManifest({
    name: APP,
    digest: digestOf(bytes),
    mediaType: "application/json",
    bytes,
    subject: null,
    artifactType: null,
    annotations: null,
    tags: [],
    references: [],
    requireContent: true,
    at: 50,
  });
}

const textAt = async ({ storage }: World, path: string): Promise<string | null> => {
  const bytes = await storage.readSmall(path);
  return bytes && new TextDecoder().decode(bytes);
};

const trashFiles = async ({ root }: World): Promise<string[]> =>
  await readdir(`${root}/${TRASH}`).catch(() => []);

describe("blobs that leave", () => {
  test("lie in the trash under the names of their rows, and are known no more", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    const digests = [await here.doomed("one"), await here.doomed("three")];
    const claims = await metadata.claim(10, [], NOW);

    expect(await takeAway(claims, { metadata, storage })).toEqual({
      trashed: 2,
      bytes: 8,
      returned: 0,
    });
    for (const { id, digest } of claims) {
      expect(await textAt(here, trashPath(id))).toBe(digest === digests[0] ? "one" : "three");
      expect(await storage.stat(blobPath(digest))).toBeNull();
    }
    expect(await metadata.standingOf(digests)).toEqual(["unknown", "unknown"]);
    expect(await metadata.listClaims()).toEqual([]);
    expect(await metadata.sumTrash()).toMatchObject({ bytes: 8 });
  });

  test("come back when they were pushed as manifests meanwhile", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    const digest = await here.doomed("manifest");
    const claims = await metadata.claim(10, [], NOW);
    await pushAsManifest(metadata, "manifest");

    expect(await takeAway(claims, { metadata, storage })).toMatchObject({
      trashed: 0,
      returned: 1,
    });
    expect(await textAt(here, blobPath(digest))).toBe("manifest");
    expect(await trashFiles(here)).toEqual([]);
    expect(await metadata.listTrash({ kind: "blob", limit: 10 })).toEqual([]);
  });

  test("come back once when the tree has them again already", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    const digest = await here.doomed("manifest");
    const claims = await metadata.claim(10, [], NOW);
    const overtaken: Storage = {
      ...storage,
      async moveAll(moves) {
        const moved = await storage.moveAll(moves);
        await pushAsManifest(metadata, "manifest");
        await storage.write([
          { path: blobPath(digest), bytes: new TextEncoder().encode("manifest") },
        ]);
        return moved;
      },
    };

    expect(await takeAway(claims, { metadata, storage: overtaken })).toMatchObject({ returned: 1 });
    expect(await textAt(here, blobPath(digest))).toBe("manifest");
    expect(await trashFiles(here)).toEqual([]);
  });

  test("that were cut off before the rename stay in their place, and go with the next claim", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    const digest = await here.doomed("word");
    await metadata.claim(10, [], NOW);

    expect(await settleClaims({ metadata, storage }, 5)).toMatchObject({ trashed: 0, returned: 0 });
    expect(await textAt(here, blobPath(digest))).toBe("word");
    expect(await metadata.listClaims()).toEqual([]);
    const claims = await metadata.claim(10, [], NOW);
    expect(await takeAway(claims, { metadata, storage })).toMatchObject({ trashed: 1, bytes: 4 });
  });

  test("and lie in their place again stay there: another registry may have brought and linked them", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    const digest = await here.doomed("word");
    const [claim] = await metadata.claim(10, [], NOW);
    const { id } = claim ?? { id: 0 };
    await storage.moveAll([{ from: blobPath(digest), to: trashPath(id) }]);
    await storage.write([{ path: blobPath(digest), bytes: new TextEncoder().encode("word") }]);

    expect(await settleClaims({ metadata, storage }, 5)).toMatchObject({ trashed: 1 });
    expect(await textAt(here, blobPath(digest))).toBe("word");
    // As the comparison with the tree does that follows.
    await metadata.linkBlob(APP, { digest, size: 4 }, 6, null);
    await metadata.retireJournal(Number.MAX_SAFE_INTEGER);
    expect(await metadata.claim(10, [], NOW)).toEqual([]);
  });

  test("that were cut off after the rename are settled by the next start", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    await here.doomed("word");
    const [claim] = await metadata.claim(10, [], NOW);
    const { id, digest } = claim ?? { id: 0, digest: digestOf(new Uint8Array()) };
    await storage.moveAll([{ from: blobPath(digest), to: trashPath(id) }]);

    expect(await settleClaims({ metadata, storage }, 5)).toMatchObject({ trashed: 1, bytes: 4 });
    expect(await textAt(here, trashPath(id))).toBe("word");
    expect(await metadata.listClaims()).toEqual([]);
  });

  test("that were cut off on their way back are brought back by the next start", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    const digest = await here.doomed("manifest");
    const [claim] = await metadata.claim(10, [], NOW);
    const { id, size } = claim ?? { id: 0, size: 0 };
    await storage.moveAll([{ from: blobPath(digest), to: trashPath(id) }]);
    await pushAsManifest(metadata, "manifest");
    await metadata.settle([{ id, digest, size, moved: true }]);

    // It is live, so that no claim speaks of it: the tree gets it from its row, with the journal.
    await settleClaims({ metadata, storage }, 5);
    expect((await metadata.findManifest(APP, digest))?.bytes).toEqual(
      new TextEncoder().encode("manifest"),
    );
  });

  test("whose file is lost leave no row in the trash", async () => {
    await using here = await world();
    const { metadata, storage } = here;
    const digest = await here.doomed("word");
    await storage.delete(blobPath(digest));
    const claims = await metadata.claim(10, [], NOW);

    expect(await takeAway(claims, { metadata, storage })).toMatchObject({ trashed: 0, bytes: 0 });
    expect(await metadata.listTrash({ kind: "blob", limit: 10 })).toEqual([]);
    expect(await metadata.standingOf([digest])).toEqual(["unknown"]);
  });
});
