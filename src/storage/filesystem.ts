import { type Dirent, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Disk, type Looks, realDisk } from "./disk.ts";
import { appendToFile, endAt } from "./file-writer.ts";
import { leadsInCircle } from "./circles.ts";
import { Folders, isCode } from "./folders.ts";
import { moveAll } from "./move-all.ts";
import type {
  ByteRange,
  Entry,
  Move,
  ObjectInfo,
  ObjectWriter,
  SmallObject,
  Storage,
  StoredObject,
} from "./storage.ts";
import { writeSmall } from "./write-small.ts";

export interface FilesystemOptions {
  /** Let `stat`, `readSmall` and `list` block their thread: for start-up and worker threads only. */
  readonly blocking?: boolean;
  /** What lies below; the machine's own unless a test has another. */
  readonly disk?: Disk;
}

/**
 * A folder of a local file system (ext4, XFS, …; not NFS: durability needs fsync and atomic rename).
 *
 * The order of writes, for objects that are moved into place: bytes → fsync file → create folders →
 * rename → fsync the new folder and the one that it stands in: a name is never durable before its bytes.
 */
export function filesystemStorage(root: string, options: FilesystemOptions = {}): Storage {
  const { disk = realDisk } = options;
  const calls = options.blocking ? disk.blocking : disk.pooled;
  const top = resolve(root);
  const folders = new Folders(top, disk);
  // Paths come clean from tree.ts: joining them needs no normalizing, which takes longer than a look.
  const at = (path: string): string => `${top}/${path}`;
  /** Folders that lost an entry since the last `write`, which makes that durable. */
  const reduced = new Set<string>();

  const look = async (path: string, through: Looks): Promise<ObjectInfo | null> =>
    await ifPresent(async () => {
      const info = await through.stat(at(path));
      return info.isFile() ? { size: info.size, modifiedAt: Math.floor(info.mtimeMs) } : null;
    });

  return {
    stat: async (path) => await look(path, calls),

    async read(path: string, range?: ByteRange): Promise<StoredObject | null> {
      // Bun opens the file on this thread when the answer begins: a look at it first adds some microseconds
      // to that, where a thread of the pool would add ten times as many.
      const info = await look(path, disk.blocking);
      if (!info) return null;
      const file = disk.body(at(path));
      return { size: info.size, body: range ? file.slice(range.start, range.end) : file };
    },

    async readSmall(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
      return await ifPresent(async () => await calls.readFile(at(path)));
    },

    async write(objects: readonly SmallObject[]): Promise<void> {
      writeSmall(top, objects, reduced, disk);
      reduced.clear();
    },

    async append(path: string, offset: number): Promise<ObjectWriter> {
      const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
      const flags = O_WRONLY | O_CREAT | (offset === 0 ? O_TRUNC : 0);
      const file = await folders.within(dirname(at(path)), () => disk.open(at(path), flags, 0o644));
      try {
        if (offset > 0) await endAt(file, offset);
      } catch (error) {
        await file.close();
        throw error;
      }
      return appendToFile(file, offset);
    },

    async move(from: string, to: string): Promise<void> {
      await folders.moveInto(at(from), at(to));
    },

    async moveAll(moves: readonly Move[]): Promise<boolean[]> {
      const all = moves.map(({ from, to }) => ({ from: at(from), to: at(to) }));
      return await moveAll(all, folders, disk);
    },

    async delete(path: string): Promise<void> {
      await disk.rm(at(path));
      folders.forget(at(path));
      reduced.add(dirname(at(path)));
    },

    async *list(folder: string): AsyncIterable<Entry> {
      const entries = await ifPresent(async () => await calls.readFolder(at(folder)));
      for (const entry of entries ?? []) {
        const path = at(folder === "" ? entry.name : `${folder}/${entry.name}`);
        yield { name: entry.name, kind: await kindOf(entry, path, calls, top) };
      }
    },
  };
}

/** Null when the path, or a folder on the way to it, is not there; every other error goes on. */
async function ifPresent<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "ENOTDIR")) return null;
    throw error;
  }
}

/** A symbolic link counts as what it leads to; some file systems do not say in the folder what is what. */
async function kindOf(
  entry: Dirent,
  path: string,
  calls: Looks,
  top: string,
): Promise<Entry["kind"]> {
  if (entry.isFile()) return "object";
  if (entry.isDirectory()) return "folder";
  try {
    const info = await calls.stat(path);
    if (info.isFile()) return "object";
    if (!info.isDirectory()) return "other";
    return entry.isSymbolicLink() && leadsInCircle(path, top) ? "other" : "folder";
  } catch {
    // It leads nowhere, or in a circle: one such entry must not hide the others.
    return "other";
  }
}
