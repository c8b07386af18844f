import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { databaseIn } from "../metadata/data-folder.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { readTree } from "../metadata/read-tree.ts";
import { settleJournal } from "../metadata/settle-journal.ts";
import { openForLooking } from "../metadata/sqlite-file.ts";
import { sqliteReads } from "../metadata/sqlite-reads.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { type Digest, Hasher, algorithmOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Tag } from "../oci/reference.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { lockFolder, ownerOf } from "../storage/lock.ts";
import type { SmallObject, Storage } from "../storage/storage.ts";
import { OURS, blobPath, readLink, tagCurrentLink, tagsPath, uploadPath } from "../storage/tree.ts";
import { blobsOf } from "./blobs-of.ts";
import { setTime } from "./folder-sink.ts";
import { linksOf } from "./links-of.ts";
import type { RestorePlan, TagsNow } from "./plan.ts";
import { wasRead } from "./source.ts";
import { type Bringing, type Missing, type Restored, type RestoreTarget, SMALL } from "./target.ts";

/** Whatever a crash leaves there under this name the next start of the server removes. */
const INCOMING = uploadPath("restore");
const GATHERED = { bytes: 8 * 1024 * 1024, files: 2000 };

/**
 * A data folder that no server has open: files are put into its tree, and where it has our metadata these
 * are brought to agree, as after another registry has served it. A folder that is not there comes into
 * being. `looking`: nothing will be restored, so nothing is locked or written. Throws DATA_FOLDER.
 */
export async function openFolderTarget(
  folder: string,
  { looking, now }: { readonly looking: boolean; readonly now: () => number },
): Promise<RestoreTarget> {
  const root = resolve(folder);
  const url = ownerOf(join(root, OURS))?.url;
  if (url) {
    const reason = `a server has ${root} open; stop it, or restore through it with --registry ${url}`;
    throw new RegistryError("DATA_FOLDER", { reason });
  }
  const storage = filesystemStorage(root);
  const database = databaseIn(root);
  if (looking) {
    const db = wasRead(root) ? look(database) : null;
    const tagsNow = db ? tagsKnown(sqliteReads(db)) : tagsInTree(storage);
    return target(root, storage, tagsNow, null, now, async () => db?.close());
  }
  await makeFolder(join(root, OURS));
  const lock = lockFolder(join(root, OURS));
  let metadata: Metadata | null = null;
  try {
    metadata = wasRead(root) ? await openSqlite(database) : null;
    const tagsNow = metadata ? tagsKnown(metadata) : tagsInTree(storage);
    return target(root, storage, tagsNow, metadata, now, async () => {
      await metadata?.close();
      lock.release();
    });
  } catch (error) {
    await metadata?.close();
    lock.release();
    throw error;
  }
}

/** Throws DATA_FOLDER when it is not of this version, to which only who changes it may bring it. */
function look(database: string): Database {
  try {
    return openForLooking(database);
  } catch (error) {
    const reason = `${database}: ${(error as Error).message}; start the server once`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    const reason = `${path} cannot be created (${(error as Error).message})`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  });
}

function target(
  root: string,
  storage: Storage,
  tagsNow: TagsNow,
  metadata: Metadata | null,
  now: () => number,
  close: () => Promise<void>,
): RestoreTarget {
  return {
    name: root,
    tagsNow,
    async missing(plan): Promise<Missing> {
      const blobs = await missingBlobs(plan, storage);
      const bytes = [...blobs.values()].reduce((sum, { size }) => sum + size, 0);
      let links = 0;
      for await (const _ of missingLinks(plan, storage)) links++;
      return { blobs: blobs.size, bytes, links };
    },
    async restore(plan, bringing): Promise<Restored> {
      try {
        if (metadata) await settleJournal(metadata, storage);
        const blobs = await missingBlobs(plan, storage);
        const brought = await bringBlobs(blobs, storage, bringing);
        await writeLinks(plan, storage, root);
        if (metadata) {
          const repositories = plan.repositories.map(({ name }) => name);
          await readTree(storage, metadata, { now, repositories });
        }
        return { ...brought, refused: [] };
      } catch (error) {
        throw inOurWords(error, root);
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

/** What the file system refused; nothing is visible then but what was restored whole. */
function inOurWords(error: unknown, root: string): unknown {
  const { code = "", message = "" } = error as { code?: unknown; message?: string };
  if (error instanceof RegistryError || !/^E[A-Z0-9]+$/.test(String(code))) return error;
  const reason = `${root}: ${message}; running the same restore again goes on from here`;
  const kind = code === "ENOSPC" || code === "EDQUOT" ? "STORAGE_FULL" : "DATA_FOLDER";
  return new RegistryError(kind, { reason }, { cause: error });
}

function tagsKnown(metadata: Pick<Metadata, "knownRepository">): TagsNow {
  return async (name) => (await metadata.knownRepository(name))?.tags ?? null;
}

function tagsInTree(storage: Storage): TagsNow {
  return async (name) => {
    const tags = new Map<Tag, Digest>();
    let isThere = false;
    for await (const { name: tag } of storage.list(tagsPath(name))) {
      isThere = true;
      const link = await storage.readSmall(tagCurrentLink(name, tag as Tag));
      const digest = link && readLink(link);
      if (digest) tags.set(tag as Tag, digest);
    }
    return isThere ? tags : null;
  };
}

/** Those that are not there, or not with the bytes that they should have. */
async function missingBlobs(plan: RestorePlan, storage: Storage): Promise<RestorePlan["blobs"]> {
  const missing = new Map(plan.blobs);
  for (const [digest, { size }] of plan.blobs) {
    if (await isWhole(storage, digest, size)) missing.delete(digest);
  }
  return missing;
}

async function isWhole(storage: Storage, digest: Digest, size: number): Promise<boolean> {
  const stored = await storage.read(blobPath(digest));
  if (stored?.size !== size) return false;
  const hasher = new Hasher(algorithmOf(digest));
  const stream = stored.body instanceof Blob ? stored.body.stream() : stored.body;
  try {
    for await (const chunk of stream) hasher.update(chunk);
  } catch {
    // What cannot be read is to be replaced.
    return false;
  }
  return hasher.digest() === digest;
}

async function bringBlobs(
  missing: RestorePlan["blobs"],
  storage: Storage,
  bringing: Bringing,
): Promise<{ blobs: number; bytes: number }> {
  const done = { blobs: 0, bytes: 0 };
  const gathered = new Gathered(storage);
  for await (const { digest, size, body } of blobsOf(missing)) {
    if (size <= SMALL) {
      const bytes = Buffer.concat(await Array.fromAsync(body));
      await gathered.add({ path: blobPath(digest), bytes });
    } else await bringLarge(storage, digest, body);
    done.blobs++;
    done.bytes += size;
    bringing({ ...done, of: missing.size });
  }
  await gathered.end();
  return done;
}

/** It gets its name when all of it is there, and right. */
async function bringLarge(
  storage: Storage,
  digest: Digest,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const writer = await storage.append(INCOMING, 0);
  try {
    for await (const chunk of body) await writer.write(chunk);
    await writer.sync();
  } catch (error) {
    await writer.close();
    await storage.delete(INCOMING);
    throw error;
  }
  await writer.close();
  await storage.move(INCOMING, blobPath(digest));
}

async function writeLinks(plan: RestorePlan, storage: Storage, root: string): Promise<void> {
  // Nothing is named before what it names is there, durably.
  for (const tags of [false, true]) {
    const gathered = new Gathered(storage);
    const times: [path: string, at: number][] = [];
    for await (const { path, bytes, at } of missingLinks(plan, storage)) {
      if ((at !== null) !== tags) continue;
      await gathered.add({ path, bytes });
      if (at !== null) times.push([join(root, path), at]);
    }
    await gathered.end();
    for (const [path, at] of times) if (existsSync(path)) await setTime(path, at);
  }
}

async function* missingLinks(plan: RestorePlan, storage: Storage) {
  for (const repository of plan.repositories) {
    for (const link of linksOf(repository)) {
      const there = await storage.readSmall(link.path);
      if (there === null || Buffer.compare(there, link.bytes) !== 0) yield link;
    }
  }
}

/** Small files that become durable together. */
class Gathered {
  #objects: SmallObject[] = [];
  #bytes = 0;

  constructor(readonly storage: Storage) {}

  async add(object: SmallObject): Promise<void> {
    this.#objects.push(object);
    this.#bytes += object.bytes.length;
    if (this.#bytes >= GATHERED.bytes || this.#objects.length >= GATHERED.files) await this.end();
  }

  async end(): Promise<void> {
    const objects = this.#objects;
    this.#objects = [];
    this.#bytes = 0;
    if (objects.length > 0) await this.storage.write(objects);
  }
}
