import { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { RegistryError } from "../oci/errors.ts";

/** How long a writer waits for another one. A change takes some milliseconds. */
const PATIENCE_MS = 5000;

/** Its owner alone may read it. */
const MODE = 0o600;

/**
 * Changes a small file: `change` gets its text, or null when there is none, and returns the new one, or
 * null to leave it as it is. Readers see the old text or the new one, never a part; what was changed
 * survives a power cut; two writers, of any process, come one after the other.
 *
 * Throws DATA_FOLDER when the file cannot be written or another writer does not end; what `change` throws
 * is passed on, and nothing is changed.
 */
export function replaceFile(path: string, change: (text: string | null) => string | null): void {
  const lock = takeLock(path);
  try {
    const text = change(readIfThere(path));
    if (text !== null) write(path, text);
  } finally {
    lock.close();
  }
}

/** The lock is SQLite's on an empty file, as for the data folder: the system drops it when its holder dies. */
function takeLock(path: string): Database {
  let db: Database | undefined;
  try {
    db = new Database(`${path}.lock`, { create: true });
    adopt(`${path}.lock`, dirname(path));
    db.run(`PRAGMA busy_timeout = ${PATIENCE_MS}`);
    db.run("BEGIN EXCLUSIVE");
    return db;
  } catch (error) {
    db?.close();
    const busy = (error as { code?: string }).code === "SQLITE_BUSY";
    const why = busy ? "another command is changing it" : (error as Error).message;
    throw cannot(path, why, error);
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw cannot(path, (error as Error).message, error);
  }
}

function write(path: string, text: string): void {
  const folder = dirname(path);
  const temporary = join(folder, `.wharfinger-${randomBytes(6).toString("hex")}`);
  try {
    const bytes = Buffer.from(text);
    const file = openSync(temporary, "wx", MODE);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      adopt(temporary, folder);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const entry = openSync(folder, "r");
    try {
      fsyncSync(entry);
    } finally {
      closeSync(entry);
    }
  } catch (error) {
    rmSync(temporary, { force: true });
    throw cannot(path, (error as Error).message, error);
  }
}

/**
 * Gives a new file to whom its folder belongs: root, who may run the command, is seldom who runs the
 * registry, and what root alone may read would lock the registry out.
 */
function adopt(path: string, folder: string): void {
  const [file, home] = [statSync(path), statSync(folder)];
  if (file.uid === home.uid && file.gid === home.gid) return;
  try {
    chownSync(path, home.uid, home.gid);
  } catch {
    // Only root may. Whoever else can write here has a folder that is shared, and knows why.
  }
}

function cannot(path: string, why: string, cause: unknown): RegistryError {
  return new RegistryError("DATA_FOLDER", { reason: `${path}: ${why}` }, { cause });
}
