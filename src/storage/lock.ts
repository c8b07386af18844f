import { Database } from "bun:sqlite";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RegistryError } from "../oci/errors.ts";

/** Who has a data folder open. */
export interface Owner {
  readonly pid: number;
  /** UTC, ISO 8601. */
  readonly since: string;
  /** Where its API listens; null until it does. */
  readonly url: string | null;
}

export interface FolderLock {
  /** Tells other commands where to ask instead. */
  announce(url: string): void;
  release(): void;
}

/** A database that nobody refers to is collected, and its lock goes with it without a word. */
const held = new Set<Database>();

/**
 * Takes a data folder for this process. Throws DATA_FOLDER when another process has it.
 *
 * The lock is SQLite's own on an empty database: the operating system drops it when the process dies,
 * however it dies, so that no stale lock file can keep a registry from starting. Beside it `owner.json`
 * says who has it, for people and for commands.
 */
export function lockFolder(folder: string): FolderLock {
  const db = take(folder);
  held.add(db);
  const path = join(folder, "owner.json");
  const since = new Date().toISOString();
  const write = (url: string | null): void => {
    const owner: Owner = { pid: process.pid, since, url };
    writeFileSync(path, `${JSON.stringify(owner)}\n`);
  };
  write(null);
  return {
    announce: write,
    release() {
      rmSync(path, { force: true });
      held.delete(db);
      db.run("ROLLBACK");
      db.close();
    },
  };
}

function take(folder: string): Database {
  let db: Database | undefined;
  try {
    db = new Database(join(folder, "lock"), { create: true });
    db.run("PRAGMA busy_timeout = 0");
    db.run("BEGIN EXCLUSIVE");
    return db;
  } catch (error) {
    db?.close();
    throw refusal(folder, error);
  }
}

/** Who has the folder open at this moment; null: nobody, or the folder is not there. */
export function ownerOf(folder: string): Owner | null {
  const owner = readOwner(folder);
  if (!owner) return null;
  try {
    // What a killed process left behind says nothing; its lock went with it.
    const db = new Database(join(folder, "lock"), { readwrite: true, create: false });
    try {
      db.run("PRAGMA busy_timeout = 0");
      db.run("BEGIN EXCLUSIVE");
      db.run("ROLLBACK");
      return null;
    } finally {
      db.close();
    }
  } catch (error) {
    return (error as { code?: string }).code === "SQLITE_BUSY" ? owner : null;
  }
}

/** Null when nobody says so, or not readably. It may be stale after a kill: only the lock is certain. */
export function readOwner(folder: string): Owner | null {
  try {
    return JSON.parse(readFileSync(join(folder, "owner.json"), "utf8")) as Owner;
  } catch {
    return null;
  }
}

function refusal(folder: string, cause: unknown): RegistryError {
  if ((cause as { code?: string }).code !== "SQLITE_BUSY") {
    const reason = `its lock cannot be taken (${(cause as Error).message})`;
    return new RegistryError("DATA_FOLDER", { reason }, { cause });
  }
  const owner = readOwner(folder);
  const who = owner
    ? `process ${owner.pid}${owner.url ? ` at ${owner.url}` : ""}`
    : "another process";
  return new RegistryError(
    "DATA_FOLDER",
    { reason: `${who} has it open; stop that one first` },
    { cause },
  );
}
