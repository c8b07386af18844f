import { type Dirent, type Stats, readFileSync, readdirSync, statSync } from "node:fs";
import { readFile, readdir, stat } from "node:fs/promises";

/** The calls that look at small files and folders, and who waits for them. */
export interface FileCalls {
  stat(path: string): Stats | Promise<Stats>;
  readFile(path: string): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
  readFolder(path: string): Dirent[] | Promise<Dirent[]>;
}

/** A thread of the pool waits, so that the caller's event loop goes on. */
export const pooled: FileCalls = {
  stat: (path) => stat(path),
  readFile: (path) => readFile(path),
  readFolder: (path) => readdir(path, { withFileTypes: true }),
};

/**
 * The caller's thread waits. A look into the page cache takes some microseconds, and handing it to the
 * pool ten times that: whoever looks at a hundred thousand files, and has nothing else to do, is better
 * off with these.
 */
export const blocking: FileCalls = {
  stat: (path) => statSync(path),
  readFile: (path) => readFileSync(path),
  readFolder: (path) => readdirSync(path, { withFileTypes: true }),
};
