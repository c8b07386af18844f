import { constants } from "node:fs";
import * as asynchronous from "node:fs/promises";
import { dirname, join } from "node:path";
import { Folders } from "./folders.ts";
import { appendToFile } from "./file-writer.ts";
import type { ByteRange, Entry, ObjectInfo, ObjectWriter, SmallObject, Storage, StoredObject } from "./storage.ts";
import { writeSmall } from "./write-small.ts";

/**
 * A folder of a local file system (ext4, XFS, …; not NFS: durability needs fsync and atomic rename).
 *
 * The order of writes, for objects that are moved into place: bytes → fsync file → create folders →
 * rename → fsync the new folder and those that gained an entry. See `docs/durability` in issue order:
 * a name is never durable before its bytes.
 */
export function filesystemStorage(root: string): Storage {
  const folders = new Folders(root);
  const at = (path: string): string => join(root, path);

  return {
    async stat(path: string): Promise<ObjectInfo | null> {
      return await present(async () => {
        const info = await asynchronous.stat(at(path));
        return info.isFile() ? { size: info.size, modifiedAt: info.mtimeMs } : null;
      });
    },

    async read(path: string, range?: ByteRange): Promise<StoredObject | null> {
      return await present(async () => {
        const info = await asynchronous.stat(at(path));
        if (!info.isFile()) return null;
        const file = Bun.file(at(path));
        return { size: info.size, body: range ? file.slice(range.start, range.end) : file };
      });
    },

    async readSmall(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
      return await present(async () => await asynchronous.readFile(at(path)));
    },

    async write(objects: readonly SmallObject[]): Promise<void> {
      writeSmall(root, objects);
    },

    async append(path: string, offset: number): Promise<ObjectWriter> {
      const flags = constants.O_WRONLY | constants.O_CREAT;
      const file = await orWithFolder(
        () => asynchronous.open(at(path), flags, 0o644),
        () => folders.ensure(dirname(at(path))),
      );
      return await appendToFile(file, offset);
    },

    async move(from: string, to: string): Promise<void> {
      await folders.moveInto(at(from), at(to));
    },

    async delete(path: string): Promise<void> {
      folders.forget(at(path));
      await asynchronous.rm(at(path), { recursive: true, force: true });
    },

    async *list(folder: string): AsyncIterable<Entry> {
      const entries = await present(
        async () => await asynchronous.readdir(at(folder), { withFileTypes: true }),
      );
      for (const entry of entries ?? []) {
        const kind = entry.isFile() ? "object" : entry.isDirectory() ? "folder" : "other";
        yield { name: entry.name, kind };
      }
    },
  };
}

/** Null when the path, or a folder on the way to it, is not there; every other error goes on. */
async function present<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "ENOTDIR")) return null;
    throw error;
  }
}

/** Folders exist almost always: try first, create only when the try says that one is missing. */
async function orWithFolder<T>(attempt: () => Promise<T>, create: () => Promise<void>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
    await create();
    return await attempt();
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
