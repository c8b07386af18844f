import { createReadStream } from "node:fs";
import { chmod, lstat, mkdir, readdir, utimes } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RegistryError } from "../oci/errors.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { isCode } from "../storage/folders.ts";
import type { SmallObject } from "../storage/storage.ts";
import { OURS, REPOSITORIES } from "../storage/tree.ts";
import { type BackupDocument, documentBytes } from "./document.ts";
import { DOCUMENT, LIST, UNFINISHED } from "./set.ts";
import type { Body, Sink, SinkEntry } from "./sink.ts";

/** Bytes of a file on its way. */
const INCOMING = `${OURS}/backup-incoming`;
/** Files up to this size are gathered, and made durable together. */
const SMALL = 64 * 1024;
const GATHERED = { bytes: 8 * 1024 * 1024, files: 2000 };

/**
 * A folder in the distribution layout. While it is written a marker says that it is not whole, and the
 * document comes last. Blobs that are there from before are not copied again.
 *
 * Throws BACKUP_EXISTS for a folder that is no backup, however forced: it may be somebody's registry; and
 * for one that is whole, unless `force` lets it be brought to what is now.
 */
export async function folderSink(target: string, force: boolean): Promise<Sink> {
  const root = resolve(target);
  await mustBeOurs(root, force);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const storage = filesystemStorage(root);
  let document: BackupDocument | null = null;
  let gathered: (SmallObject & Pick<SinkEntry, "modifiedAt" | "secret">)[] = [];
  let bytes = 0;

  const write = async (): Promise<void> => {
    const objects = gathered;
    gathered = [];
    bytes = 0;
    await storage.write(objects);
    for (const { path, modifiedAt, secret } of objects) {
      if (secret) await chmod(join(root, path), 0o600);
      if (path.endsWith("/link")) await setTime(join(root, path), modifiedAt);
    }
  };
  const copy = async (path: string, body: AsyncIterable<Uint8Array>): Promise<void> => {
    const writer = await storage.append(INCOMING, 0);
    try {
      for await (const chunk of body) await writer.write(chunk);
      await writer.sync();
    } finally {
      await writer.close();
    }
    await storage.move(INCOMING, path);
  };
  return {
    async begin(made, file) {
      document = made;
      await storage.write([{ path: UNFINISHED, bytes: documentBytes(made) }]);
      // From here on it is not whole. The links are those of now, and written anew; the blobs stay.
      await storage.delete(DOCUMENT);
      await storage.delete(REPOSITORIES);
      await copy(LIST, createReadStream(file.path));
    },
    has: async (path, size) => (await storage.stat(path))?.size === size,
    async add(entry: SinkEntry, body: Body) {
      const { path, size, modifiedAt, secret = false } = entry;
      if (size > SMALL) return await copy(path, body instanceof Uint8Array ? once(body) : body);
      const whole = body instanceof Uint8Array ? body : Buffer.concat(await Array.fromAsync(body));
      gathered.push({ path, bytes: whole, modifiedAt, secret });
      bytes += size;
      if (bytes >= GATHERED.bytes || gathered.length >= GATHERED.files) await write();
    },
    async finish() {
      if (!document) throw new Error("nothing was begun");
      await write();
      await storage.write([{ path: DOCUMENT, bytes: documentBytes(document) }]);
      await storage.delete(UNFINISHED);
      await storage.write([]);
    },
    async abandon() {
      // What was copied stays: the marker says what it is, and the next try goes on from there.
      await storage.delete(INCOMING);
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** In the middle of the millisecond, so that no rounding on the way makes it the one before. */
export async function setTime(path: string, at: number): Promise<void> {
  const seconds = (at + 0.5) / 1000;
  await utimes(path, seconds, seconds);
}

async function mustBeOurs(root: string, force: boolean): Promise<void> {
  const names = await readdir(root).catch((error: unknown) => {
    if (isCode(error, "ENOENT")) return [];
    throw new RegistryError(
      "BACKUP_FAILED",
      { reason: (error as Error).message },
      { cause: error },
    );
  });
  if (names.length === 0) return;
  if (await isThere(join(root, UNFINISHED))) return;
  const whole = await isThere(join(root, DOCUMENT));
  if (whole && force) return;
  const reason = whole
    ? `${root} is a whole backup already; --force brings it to what is now`
    : `${root} is not empty, and no backup; take another folder`;
  throw new RegistryError("BACKUP_EXISTS", { reason });
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}
