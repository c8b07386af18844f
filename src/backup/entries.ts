import { type Stats, createReadStream } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { invalid } from "./document.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import { inDataFolder } from "./place.ts";
import { DOCUMENT, LIST } from "./set.ts";
import type { ReadEntry } from "./read-entry.ts";
import { readTar } from "./tar-read.ts";

/**
 * The files of a backup, by their paths in a data folder: of an archive, or of a folder. What is in no
 * data folder comes with the path it has. Throws BACKUP_INVALID.
 */
export async function* readEntries(source: string): AsyncGenerator<ReadEntry> {
  const path = resolve(source);
  const info = await stat(path).catch((error: unknown) => {
    throw invalid(source, `it cannot be read (${(error as Error).message})`, error);
  });
  if (info.isDirectory() && ownerOf(join(path, OURS))) {
    throw invalid(source, "a server has this folder open; `wharf backup` copies it while it runs");
  }
  let known: string | null = null;
  for await (const entry of info.isDirectory() ? readFolder(path) : readTar(path)) {
    const plain = entry.path.replace(/^(?:\.\/+)+/, "").replaceAll(/\/(?:\.?\/)+/g, "/");
    const found = inDataFolder(plain);
    if (found) {
      known ??= found.prefix;
      if (found.prefix !== known) {
        const both = `one in ${JSON.stringify(known)} and one in ${JSON.stringify(found.prefix)}`;
        throw invalid(source, `it has two registries, ${both}; take them apart`);
      }
      yield { ...entry, path: found.path };
    } else yield { ...entry, path: ours(plain) };
  }
}

/** What is ours lies beside `docker/`, wherever that is. */
function ours(path: string): string {
  const at = path.lastIndexOf("wharfinger/");
  return at < 0 || (at > 0 && path[at - 1] !== "/") ? path : path.slice(at);
}

/** The document and the list come first, as in an archive. */
async function* readFolder(root: string): AsyncGenerator<ReadEntry> {
  const first = [DOCUMENT, LIST];
  for (const path of first) {
    const info = await lstat(join(root, path)).catch(() => null);
    if (info?.isFile()) yield entryOf(root, path, info);
  }
  for await (const entry of readBelow(root, "")) if (!first.includes(entry.path)) yield entry;
}

async function* readBelow(root: string, below: string): AsyncGenerator<ReadEntry> {
  const folder = await opendir(join(root, below)).catch((error: unknown) => {
    throw invalid(root, `it cannot be read (${(error as Error).message})`, error);
  });
  for await (const { name } of folder) {
    const path = below === "" ? name : `${below}/${name}`;
    const info = await lstat(join(root, path));
    if (info.isDirectory()) yield* readBelow(root, path);
    else if (info.isFile()) yield entryOf(root, path, info);
    else throw invalid(root, `${path} is neither a file nor a folder`);
  }
}

/** Nothing is opened that nobody reads. */
function entryOf(root: string, path: string, { size, mtimeMs }: Stats): ReadEntry {
  const read = () => createReadStream(join(root, path), { highWaterMark: 256 * 1024 });
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => read()[Symbol.asyncIterator](),
  };
  return { path, size, modifiedAt: Math.floor(mtimeMs), body };
}
