import { describe, expect, test } from "bun:test";
import { parseName } from "../oci/name.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import {
  REPOSITORIES,
  layerLink,
  layerPath,
  repositoryPath,
  revisionLink,
  revisionPath,
  tagCurrentLink,
  tagPath,
} from "../storage/tree.ts";
import { parseTag } from "../oci/reference.ts";
import { APP, bytesOf, digestFor } from "./contract/fixtures.ts";
import { pruneRepository } from "./prune-repository.ts";
import { pathsBelow } from "./tree-model.ts";

const DIGEST = digestFor("one");
const TAG = parseTag("v1");

/** The folders of a repository from which everything was removed, and these files beside. */
async function emptied(...files: string[]): Promise<Storage> {
  const storage = memoryStorage();
  const links = [layerLink(APP, DIGEST), revisionLink(APP, DIGEST), tagCurrentLink(APP, TAG)];
  await storage.write([...links, ...files].map((path) => ({ path, bytes: bytesOf("x") })));
  for (const path of [layerPath(APP, DIGEST), revisionPath(APP, DIGEST), tagPath(APP, TAG)]) {
    await storage.delete(path);
  }
  return storage;
}

async function foldersIn(storage: Storage, folder: string): Promise<string[]> {
  return (await Array.fromAsync(storage.list(folder))).map(({ name }) => name);
}

describe("the folders of a repository that went", () => {
  test("go, with those above them that are empty then", async () => {
    const storage = await emptied(`${REPOSITORIES}/other/_layers/x`);

    await pruneRepository(storage, APP);

    expect(await foldersIn(storage, REPOSITORIES)).toEqual(["other"]);
  });

  test("stay where something is left in them, and only there", async () => {
    const upload = `${repositoryPath(APP)}/_uploads/1/data`;
    const storage = await emptied(upload);

    await pruneRepository(storage, APP);

    expect(await foldersIn(storage, repositoryPath(APP))).toEqual(["_uploads"]);
    expect(await pathsBelow(storage, REPOSITORIES)).toEqual([upload]);
  });

  test("stay where another repository lies below or beside them", async () => {
    const below = layerLink(parseName(`${APP}/part`), DIGEST);
    const beside = layerLink(parseName("team/other"), DIGEST);
    const storage = await emptied(below, beside);

    await pruneRepository(storage, APP);

    expect((await pathsBelow(storage, REPOSITORIES)).toSorted()).toEqual(
      [below, beside].toSorted(),
    );
    expect(await foldersIn(storage, repositoryPath(APP))).toEqual(["part"]);
  });

  test("may be gone already", async () => {
    const storage = memoryStorage();

    await pruneRepository(storage, APP);

    expect(await pathsBelow(storage, REPOSITORIES)).toEqual([]);
  });
});
