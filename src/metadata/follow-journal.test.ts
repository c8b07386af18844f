import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { parseName } from "../oci/name.ts";
import { FailedSync } from "../storage/failed-sync.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import { layerLink, repositoryPath } from "../storage/tree.ts";
import { APP, OTHER, blobOf, bytesOf, digestFor } from "./contract/fixtures.ts";
import { JournalFollower } from "./follow-journal.ts";
import type { Metadata } from "./metadata.ts";
import { openSqlite } from "./sqlite.ts";

const THIRD = parseName("third");

let folder: Folder;
let metadata: Metadata;

beforeEach(async () => {
  folder = await temporaryFolder();
  metadata = await openSqlite(join(folder.path, "metadata.sqlite"));
});

afterEach(async () => {
  await metadata.close();
  await folder[Symbol.asyncDispose]();
});

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: refused`), { code });
}

/** A storage that refuses what `refuse` says. */
function refusing(refuse: (path: string) => Error | null): Storage {
  const storage = memoryStorage();
  const check = (path: string): void => {
    const error = refuse(path);
    if (error) throw error;
  };
  return {
    ...storage,
    async write(objects) {
      for (const { path } of objects) check(path);
      await storage.write(objects);
    },
    async delete(path) {
      check(path);
      await storage.delete(path);
    },
  };
}

async function link(word: string, name = APP): Promise<void> {
  await metadata.linkBlob(name, blobOf(word), 1000, bytesOf(word));
}

/** One step, and what follows from it, as the one who has the follower does it. */
async function step(follower: JournalFollower): Promise<string[]> {
  const { last, stuck } = await follower.step();
  const names = stuck.map(({ name }) => name);
  if (last !== null) await metadata.retireJournal(last, names);
  return names;
}

async function waiting(): Promise<string[]> {
  return [...new Set((await metadata.readJournal(1000)).map(({ entry }) => entry.name))];
}

test("a folder that cannot be written holds up its own repository, and no other", async () => {
  let closed = true;
  const storage = refusing((path) =>
    closed && path.startsWith(repositoryPath(OTHER)) ? systemError("EACCES") : null,
  );
  const follower = new JournalFollower(metadata, storage);
  await link("one");
  await link("two", OTHER);
  await link("three", THIRD);

  expect(await step(follower)).toEqual([OTHER]);
  expect(await waiting()).toEqual([OTHER]);
  expect(await storage.stat(layerLink(APP, digestFor("one")))).not.toBeNull();
  expect(await storage.stat(layerLink(THIRD, digestFor("three")))).not.toBeNull();

  await metadata.unlinkBlob(OTHER, digestFor("two"), 2000);
  await link("four");
  expect(await step(follower)).toEqual([OTHER]);
  expect(await waiting()).toEqual([OTHER]);

  closed = false;
  expect(await step(follower)).toEqual([]);
  expect(await waiting()).toEqual([]);
  expect(await storage.stat(layerLink(APP, digestFor("four")))).not.toBeNull();
  expect(await storage.stat(layerLink(OTHER, digestFor("two")))).toBeNull();
});

for (const code of ["ENOSPC", "EIO", "EROFS", "EMFILE"]) {
  test(`${code} holds up all, because it is the disk's, and nothing is forgotten`, async () => {
    let ill = true;
    const follower = new JournalFollower(
      metadata,
      refusing((path) => (ill && path.includes(OTHER) ? systemError(code) : null)),
    );
    await link("one");
    await link("two", OTHER);

    expect(step(follower)).rejects.toThrow(code);
    expect(await waiting()).toEqual([APP, OTHER]);

    ill = false;
    expect(await step(follower)).toEqual([]);
    expect(await waiting()).toEqual([]);
  });
}

test("a failed sync is passed on as what it is", async () => {
  const failed = new FailedSync(systemError("EIO"));
  const follower = new JournalFollower(
    metadata,
    refusing(() => failed),
  );
  await link("one");
  expect(await follower.step().catch((error: unknown) => error)).toBe(failed);
});
