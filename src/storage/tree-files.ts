import {
  type Dirent,
  closeSync,
  fstatSync,
  openSync,
  readSync,
  readdirSync,
  statSync,
} from "node:fs";
import { resolve } from "node:path";
import { leadsInCircle } from "./circles.ts";
import { isCode } from "./folders.ts";
import type { Entry, ObjectInfo } from "./storage.ts";

/**
 * Looks at the files of a tree for which the caller's thread waits: what `Storage` does with `blocking`,
 * but without a promise for each. A collection looks at all files of a tree, a hundred thousand and more,
 * and has nothing else to do; the promises would take longer than the looks.
 *
 * Paths come from `tree.ts` only. "Not there" is a value; everything else is thrown: something else in the
 * place of a folder or file, too.
 */
export interface TreeFiles {
  readonly root: string;
  /** The names in a folder; null: it is not there. */
  names(folder: string): string[] | null;
  /** The same, with what each is. */
  entries(folder: string): Entry[] | null;
  /** Of a file; null: it is not there. */
  look(path: string): ObjectInfo | null;
  /** Of a folder; null: it is not there. UTC milliseconds. */
  folderTime(path: string): number | null;
  /** A small file with its time; null: it is not there. What is larger than `limit` bytes is cut off. */
  text(path: string, limit: number): { readonly text: string; readonly at: number } | null;
  /** A whole file of at most `limit` bytes; null: it is not there. Throws when it is larger. */
  bytes(path: string, limit: number): Uint8Array<ArrayBuffer> | null;
}

export function treeFiles(folder: string): TreeFiles {
  const root = resolve(folder);
  const at = (path: string): string => `${root}/${path}`;
  let buffer = Buffer.allocUnsafe(256);
  return {
    root,
    names: (path) => ifThere(() => readdirSync(at(path))),
    entries: (path) =>
      ifThere(() =>
        readdirSync(at(path), { withFileTypes: true }).map((entry) => ({
          name: entry.name,
          kind: kindOf(entry, `${at(path)}/${entry.name}`, root),
        })),
      ),
    look: (path) =>
      ifThere(() => {
        const info = statSync(at(path));
        if (!info.isFile()) throw new Error("it is not a file");
        return { size: info.size, modifiedAt: Math.floor(info.mtimeMs) };
      }),
    folderTime: (path) => ifThere(() => Math.floor(statSync(at(path)).mtimeMs)),
    text: (path, limit) =>
      ifThere(() => {
        const descriptor = openSync(at(path), "r");
        try {
          if (buffer.length < limit) buffer = Buffer.allocUnsafe(limit);
          const { mtimeMs } = fstatSync(descriptor);
          const length = readSync(descriptor, buffer, 0, limit, 0);
          return { text: buffer.toString("latin1", 0, length), at: Math.floor(mtimeMs) };
        } finally {
          closeSync(descriptor);
        }
      }),
    bytes: (path, limit) =>
      ifThere(() => {
        const descriptor = openSync(at(path), "r");
        try {
          const { size } = fstatSync(descriptor);
          if (size > limit) throw new Error(`it has ${size} bytes`);
          const bytes = new Uint8Array(size);
          const length = readSync(descriptor, bytes, 0, size, 0);
          return length === size ? bytes : bytes.slice(0, length);
        } finally {
          closeSync(descriptor);
        }
      }),
  };
}

function ifThere<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (isCode(error, "ENOENT")) return null;
    throw error;
  }
}

/** As the driver of a folder has it: a symbolic link counts as what it leads to. */
function kindOf(entry: Dirent, path: string, top: string): Entry["kind"] {
  if (entry.isFile()) return "object";
  if (entry.isDirectory()) return "folder";
  try {
    const info = statSync(path);
    if (info.isFile()) return "object";
    if (!info.isDirectory()) return "other";
    return entry.isSymbolicLink() && leadsInCircle(path, top) ? "other" : "folder";
  } catch {
    return "other";
  }
}
