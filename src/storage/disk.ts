import {
  type Dirent,
  type Stats,
  closeSync,
  existsSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { syncfs } from "./syncfs.ts";

/**
 * The calls of the operating system on which the driver of a folder stands, with the meaning and the
 * errors that `node:fs` gives them.
 *
 * It exists so that tests can put a simulated disk below the driver, one that loses what was not synced
 * and fails when it is told to. There is one implementation here, and it adds nothing to the calls.
 */
export interface Disk extends PooledCalls, BlockingCalls {
  readonly pooled: Looks;
  /**
   * Looks for which the caller's thread waits. One into the page cache takes some microseconds, and
   * handing it to the pool ten times that: whoever looks at a hundred thousand files, and has nothing
   * else to do, is better off with these.
   */
  readonly blocking: Looks;
  /** The bytes of a file, read when they are consumed. */
  body(path: string): Blob;
}

/** The calls that look at small files and folders. */
export interface Looks {
  stat(path: string): Stats | Promise<Stats>;
  readFile(path: string): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
  readFolder(path: string): Dirent[] | Promise<Dirent[]>;
}

/** A thread of the pool waits, so that the caller's event loop goes on. */
export interface PooledCalls {
  open(path: string, flags: number, mode: number): Promise<OpenFile>;
  mkdir(path: string): Promise<unknown>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; absent is fine. */
  rm(path: string): Promise<void>;
  /** An empty folder; one that is not is refused (ENOTEMPTY). */
  rmdir(path: string): Promise<void>;
  fsync(descriptor: number): Promise<void>;
}

/** The caller's thread waits. */
export interface BlockingCalls {
  openSync(path: string, flags: "r" | "wx"): number;
  writeSync(descriptor: number, bytes: Uint8Array, at: number): number;
  fsyncSync(descriptor: number): void;
  /** Writes out the whole file system of an open file or folder. False where there is no such call. */
  syncfs(descriptor: number): boolean;
  closeSync(descriptor: number): void;
  renameSync(from: string, to: string): void;
  /** One file; absent is fine. */
  rmSync(path: string): void;
  /** With those above it; present is fine. */
  mkdirSync(path: string): void;
  existsSync(path: string): boolean;
}

/** What the driver uses of a file that it has open for writing. */
export interface OpenFile {
  stat(): Promise<{ readonly size: number }>;
  truncate(size: number): Promise<void>;
  writev(chunks: readonly Uint8Array[], at: number): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The disk that the machine has. */
export const realDisk: Disk = {
  pooled: {
    stat: (path) => stat(path),
    readFile: (path) => readFile(path),
    readFolder: (path) => readdir(path, { withFileTypes: true }),
  },
  blocking: {
    stat: (path) => statSync(path),
    readFile: (path) => readFileSync(path),
    readFolder: (path) => readdirSync(path, { withFileTypes: true }),
  },
  body: (path) => Bun.file(path),

  open,
  mkdir: (path) => mkdir(path),
  rename,
  rm: (path) => rm(path, { recursive: true, force: true }),
  rmdir: (path) => rmdir(path),
  fsync: promisify(fsync),

  openSync: (path, flags) => openSync(path, flags, 0o644),
  writeSync: (descriptor, bytes, at) => writeSync(descriptor, bytes, at),
  fsyncSync,
  syncfs,
  closeSync,
  renameSync,
  rmSync: (path) => rmSync(path, { force: true }),
  mkdirSync: (path) => void mkdirSync(path, { recursive: true }),
  existsSync,
};
