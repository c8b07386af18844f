import { describe, expect, test } from "bun:test";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { failureOf } from "../../test/support/failure.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { blobPath, trashPath } from "../storage/tree.ts";
import { blobBytes } from "./blob-bytes.ts";

const bytes = Buffer.from("a layer ".repeat(100_000));
const digest: Digest = digestOf(bytes);

/** A data folder with one blob, and what a collection did to it since the snapshot. */
async function data(folder: Folder, { linked = false, trashed = false } = {}) {
  const database = folder.at("wharfinger", "metadata.sqlite");
  await mkdir(dirname(database), { recursive: true });
  const path = folder.at(blobPath(digest));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  const metadata = await openSqlite(database);
  const size = bytes.length;
  if (linked) await metadata.linkBlob(parseName("a"), { digest, size }, 1, null);
  if (trashed) {
    const [id = 0] = await metadata.addTrash([
      {
        run: null,
        kind: "blob",
        repository: null,
        tag: null,
        digest,
        size,
        mediaType: null,
        bytes: null,
        madeAt: 1,
        removedAt: 2,
        reason: "",
        removedBy: null,
      },
    ]);
    await mkdir(dirname(folder.at(trashPath(id))), { recursive: true });
    await rename(path, folder.at(trashPath(id)));
  }
  await metadata.close();
  return { place: { root: folder.path, database }, path };
}

async function read(place: { root: string; database: string }, size = bytes.length) {
  return Buffer.concat(await Array.fromAsync(blobBytes(place, digest, size)));
}

describe("the bytes of a blob that a backup needs", () => {
  test("are those of its file, in pieces", async () => {
    await using folder = await temporaryFolder();
    const { place } = await data(folder, { linked: true });
    expect(Buffer.compare(await read(place), bytes)).toBe(0);
    expect((await Array.fromAsync(blobBytes(place, digest, bytes.length))).length).toBeGreaterThan(
      2,
    );
  });

  test("are found in the trash when a collection has moved them there meanwhile", async () => {
    await using folder = await temporaryFolder();
    const { place } = await data(folder, { trashed: true });
    expect(Buffer.compare(await read(place), bytes)).toBe(0);
  });

  test("end the backup when they were freed meanwhile, which is no damage", async () => {
    await using folder = await temporaryFolder();
    const { place, path } = await data(folder);
    await rm(path);
    const failure = await failureOf(read(place));
    expect([failure.kind, failure.message]).toEqual([
      "BACKUP_FAILED",
      expect.stringContaining("was collected and freed while the backup ran; run it again"),
    ]);
  });

  test.each([
    ["missing", async (path: string) => await rm(path), "is missing"],
    [
      "cut off",
      async (path: string) => await writeFile(path, bytes.subarray(9)),
      "instead of 800000",
    ],
    [
      "others",
      async (path: string) => await writeFile(path, Buffer.from(bytes).fill(0, 5, 6)),
      "has not the bytes of its digest",
    ],
  ] as const)("are damage when they are %s and somebody needs them", async (_, harm, says) => {
    await using folder = await temporaryFolder();
    const { place, path } = await data(folder, { linked: true });
    await harm(path);
    const failure = await failureOf(read(place));
    expect([failure.kind, failure.message]).toEqual([
      "DAMAGE_FOUND",
      expect.stringContaining(says),
    ]);
  });

  test("are read where the registry has no database", async () => {
    await using folder = await temporaryFolder();
    const { place, path } = await data(folder);
    await rm(dirname(place.database), { recursive: true });
    expect((await read(place)).length).toBe(bytes.length);
    await rm(path);
    expect((await failureOf(read(place))).kind).toBe("DAMAGE_FOUND");
  });
});
