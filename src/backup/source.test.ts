import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { failureOf } from "../../test/support/failure.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { VERSION_1, VERSION_1_CONTENT } from "../metadata/version-1-fixtures.ts";
import { lockFolder } from "../storage/lock.ts";
import { openSource } from "./source.ts";

async function database(folder: Folder, ...sql: string[]): Promise<void> {
  await mkdir(folder.at("wharfinger"), { recursive: true });
  await mkdir(folder.at("docker", "registry", "v2"), { recursive: true });
  const db = new Database(folder.at("wharfinger", "metadata.sqlite"));
  for (const one of sql) db.run(one);
  db.close();
}

test("a database of an older version is read as it is", async () => {
  await using folder = await temporaryFolder();
  await database(folder, VERSION_1, VERSION_1_CONTENT, "PRAGMA user_version = 1");

  await using source = await openSource(folder.path, () => 0);

  expect(source.ours).toBe(true);
  using snapshot = source.snapshot();
  expect([...snapshot.repositories()].length).toBeGreaterThan(0);
  expect([...snapshot.manifests()].length).toBeGreaterThan(0);
});

test("a database of a newer version is refused", async () => {
  await using folder = await temporaryFolder();
  await database(folder, VERSION_1, "PRAGMA user_version = 99");
  const failure = await failureOf(openSource(folder.path, () => 0));
  expect([failure.kind, failure.message]).toEqual([
    "DATA_FOLDER",
    expect.stringContaining("it has version 99"),
  ]);
});

test("a tree that a server has open and has not read yet is no source", async () => {
  await using folder = await temporaryFolder();
  await database(folder, VERSION_1, "PRAGMA user_version = 1");
  const lock = lockFolder(folder.at("wharfinger"));
  const failure = await failureOf(openSource(folder.path, () => 0));
  expect([failure.kind, failure.message]).toEqual([
    "BACKUP_FAILED",
    expect.stringContaining("has not read all of its tree yet"),
  ]);
  lock.release();
});

test("a tree that lacks what a server acknowledged before it was cut off, in its first reading, is no source", async () => {
  await using folder = await temporaryFolder();
  await database(folder, VERSION_1, VERSION_1_CONTENT, "PRAGMA user_version = 1");
  await database(folder, "DELETE FROM settings WHERE key = 'tree-read'");
  const failure = await failureOf(openSource(folder.path, () => 0));
  expect([failure.kind, failure.message]).toEqual([
    "BACKUP_FAILED",
    expect.stringContaining("start it once"),
  ]);
});
