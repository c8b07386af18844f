import { Database, constants as sqlite } from "bun:sqlite";
import { type Stats, constants } from "node:fs";
import {
  type FileHandle,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { RegistryError } from "../oci/errors.ts";

/** How long a writer waits for others. A change takes some milliseconds. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 10;

/** A new file is for its owner's eyes only. */
const MODE = 0o600;

/** SQLITE_OPEN_NOFOLLOW: a lock that is a symbolic link is not one of ours. */
const NO_LINKS = 0x01000000;

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/** Gets what is in the file, null when there is none; returns what shall be, null to leave it as it is. */
export type Edit = (
  content: Buffer | null,
) => Uint8Array | string | null | Promise<Uint8Array | string | null>;

/**
 * Rewrites a small file so that whoever reads it sees the old content or the new one, also after a power
 * cut. It keeps its mode and owner; a link keeps leading to it; a new one, and folders that are made for it,
 * belong to whom the folder belongs. Writers, of one process or of several, come one after the other.
 *
 * A file that is mounted by itself, as containers have it, cannot be replaced: it is written in place.
 * Rejects with `kind` when it cannot be written or another writer does not end, and with whatever `edit`
 * throws; nothing is changed then.
 */
export async function rewriteFile(
  path: string,
  kind: "USERS_FILE" | "DATA_FOLDER",
  edit: Edit,
): Promise<void> {
  try {
    const end = await followed(path);
    await makeFolder(dirname(end));
    // SQLite takes no lock on a path with a link anywhere in it.
    const target = join(await realpath(dirname(end)), basename(end));
    const lock = await takeLock(`${target}.lock`);
    try {
      await replace(target, edit);
    } finally {
      lock.close();
    }
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new RegistryError(kind, { reason: `${path}: ${error.message}` }, { cause: error });
  }
}

/** Makes a folder, and those above it, for whoever has the one that is there already. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const model = await stat(dirname(first));
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    const handle = await open(made, FOLDER | constants.O_NOFOLLOW);
    try {
      await giveTo(handle, model);
    } finally {
      await handle.close();
    }
  }
}

/**
 * The lock is SQLite's on an empty file, as for the data folder: the system drops it when its holder dies, and
 * the file stays for the next one. Never waits inside of a call: a holder in this process must get its turns.
 */
async function takeLock(path: string): Promise<Database> {
  await makeLock(path);
  const deadline = performance.now() + PATIENCE_MS;
  const db = new Database(path, sqlite.SQLITE_OPEN_READWRITE | NO_LINKS);
  try {
    db.run("PRAGMA busy_timeout = 0");
    while (!begun(db)) {
      if (performance.now() > deadline) throw busy();
      await Bun.sleep(PAUSE_MS * (0.5 + Math.random()));
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Only a file that was made here is given away. Whoever runs a registry could leave anything else under this
 * name in its folder, such as a link to a file of root's, who runs our commands.
 */
async function makeLock(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, "wx", MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  try {
    await giveTo(handle, await stat(dirname(path)));
  } finally {
    await handle.close();
  }
}

function begun(db: Database): boolean {
  try {
    db.run("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "SQLITE_BUSY") return false;
    throw error;
  }
}

function busy(): Error {
  return Object.assign(new Error("another command is changing it"), { code: "EBUSY" });
}

async function replace(target: string, edit: Edit): Promise<void> {
  const before = await stat(target).catch(absent);
  const content = await edit(before && (await readFile(target)));
  if (content === null) return;
  const draft = join(dirname(target), `.${basename(target)}.new`);
  // Of a writer that was killed: nobody else is at work while we have the lock.
  await rm(draft, { force: true });
  try {
    const handle = await open(draft, "wx", MODE);
    try {
      await handle.writeFile(content);
      if (before) await resemble(handle, before);
      else await giveTo(handle, await stat(dirname(target)));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    return await writeInPlace(target, content);
  }
  await syncFolder(dirname(target));
}

/** Whoever could read the file before can afterwards, and nobody else; where that cannot be, it stays. */
async function resemble(handle: FileHandle, model: Stats): Promise<void> {
  const own = await handle.stat();
  if (own.uid !== model.uid || own.gid !== model.gid) await handle.chown(model.uid, model.gid);
  await handle.chmod(model.mode & 0o7777);
}

/**
 * Root, who may run the command, is seldom who runs the registry, and what root alone may read would lock the
 * registry out. Whoever else can write here has a folder that is shared, and knows why.
 */
async function giveTo(handle: FileHandle, { uid, gid }: Stats): Promise<void> {
  const own = await handle.stat();
  if (own.uid === uid && own.gid === gid) return;
  await handle.chown(uid, gid).catch(() => undefined);
}

async function writeInPlace(target: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(target, constants.O_WRONLY | constants.O_TRUNC);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, FOLDER);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where a path leads, also a link to a file that is not there yet. */
async function followed(path: string): Promise<string> {
  const real = await realpath(path).catch(absent);
  if (real !== null) return real;
  const link = await readlink(path).catch(() => null);
  return link === null ? resolve(path) : resolve(dirname(path), link);
}

function absent(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
  throw error;
}
