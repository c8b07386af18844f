import { randomBytes } from "node:crypto";
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
import { syncPath } from "../storage/sync-filesystem.ts";

/** How long another process that rewrites the same file may take. */
const PATIENCE_MS = 5000;
/** One that is so old was left by a process that is gone. */
const STALE_MS = 30_000;

/**
 * Rewrites a small file so that whoever reads it sees the old content or the new one, also after a power
 * cut. It keeps its mode and owner; a link keeps leading to it. What `edit` returns becomes the content;
 * it gets null where there is no file; null from it changes nothing. Two processes at once take turns.
 *
 * A file that is mounted by itself, as containers have it, cannot be replaced: it is written in place.
 * Throws USERS_FILE, and whatever `edit` throws.
 */
export async function rewriteFile(
  path: string,
  edit: (content: Buffer | null) => Buffer | null | Promise<Buffer | null>,
): Promise<void> {
  try {
    const target = await followed(path);
    await mkdir(dirname(target), { recursive: true });
    const draft = join(dirname(target), `.${basename(target)}.new`);
    const handle = await take(draft);
    let gone = false;
    try {
      gone = await replace(target, draft, handle, edit);
      if (gone) syncPath(dirname(target));
    } finally {
      await handle.close().catch(() => undefined);
      // Once it has become the file, whatever bears the draft's name is somebody else's.
      if (!gone) await rm(draft, { force: true });
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new RegistryError(
      "USERS_FILE",
      { reason: `${path}: ${error.message}` },
      { cause: error },
    );
  }
}

/** Returns whether the draft has become the file. */
async function replace(
  target: string,
  draft: string,
  handle: FileHandle,
  edit: (content: Buffer | null) => Buffer | null | Promise<Buffer | null>,
): Promise<boolean> {
  const before = await stat(target).catch(absent);
  const content = await edit(before && (await readFile(target)));
  if (content === null) return false;
  await handle.writeFile(content);
  await resemble(handle, before ?? (await stat(dirname(target))), before !== null);
  await handle.sync();
  try {
    await rename(draft, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    await writeInPlace(target, content);
    return false;
  }
  return true;
}

/** The draft is the lock as well: it is created by one process at a time. */
async function take(draft: string): Promise<FileHandle> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await open(draft, "wx", 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const found = await stat(draft).catch(absent);
      if (found && Date.now() - found.mtimeMs > STALE_MS) await discard(draft);
      else if (performance.now() > deadline) throw error;
      else await Bun.sleep(20);
    }
  }
}

/** Two processes may find it stale: a name of its own keeps the second from removing the first one's new draft. */
async function discard(draft: string): Promise<void> {
  const aside = `${draft}.${randomBytes(4).toString("hex")}`;
  await rename(draft, aside).catch(absent);
  await rm(aside, { force: true });
}

/** A new file belongs to whoever its folder belongs to: the server must be able to read it. */
async function resemble(handle: FileHandle, model: Stats, isFile: boolean): Promise<void> {
  const own = await handle.stat();
  if (own.uid !== model.uid || own.gid !== model.gid) {
    await handle.chown(model.uid, model.gid).catch((error: unknown) => {
      if (isFile) throw error;
    });
  }
  if (isFile) await handle.chmod(model.mode & 0o7777);
}

async function writeInPlace(target: string, content: Buffer): Promise<void> {
  const handle = await open(target, constants.O_WRONLY | constants.O_TRUNC);
  try {
    await handle.writeFile(content);
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
