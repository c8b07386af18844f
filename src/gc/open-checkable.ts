import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readTree } from "../metadata/read-tree.ts";
import { openForLooking } from "../metadata/sqlite-file.ts";
import { sqliteReads } from "../metadata/sqlite-reads.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { RegistryError } from "../oci/errors.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { lockFolder } from "../storage/lock.ts";
import { OURS, TREE } from "../storage/tree.ts";
import type { Checkable } from "./checkable.ts";

export interface OpenCheckable extends AsyncDisposable {
  readonly what: Checkable;
  /** Changes that the tree has not followed, because of a crash: the next start of the server brings them. */
  readonly waiting: number;
  /** False: the folder is another registry's, and what is known of it was read from the tree just now. */
  readonly ours: boolean;
}

/**
 * Opens a data folder that no server has open, to look at it. Nothing in it is changed but the lock,
 * which keeps a server from starting meanwhile. Throws DATA_FOLDER.
 */
export async function openCheckable(
  folder: string,
  now: () => number = Date.now,
): Promise<OpenCheckable> {
  const root = resolve(folder);
  const database = join(root, OURS, "metadata.sqlite");
  if (existsSync(database)) return await openOurs(root, database);
  if (existsSync(join(root, TREE))) return await openForeign(root, now);
  throw new RegistryError("DATA_FOLDER", { reason: `${root} is no data folder of a registry` });
}

async function openOurs(root: string, database: string): Promise<OpenCheckable> {
  const lock = lockFolder(join(root, OURS));
  try {
    const reader = openForLooking(database);
    const metadata = sqliteReads(reader);
    const waiting = await metadata.readJournal(Number.MAX_SAFE_INTEGER);
    return {
      what: { metadata, storage: filesystemStorage(root) },
      waiting: waiting.length,
      ours: true,
      async [Symbol.asyncDispose]() {
        reader.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    const reason = `${database}: ${(error as Error).message}`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}

/** A tree without our metadata: it is read into tables that are gone afterwards. */
async function openForeign(root: string, now: () => number): Promise<OpenCheckable> {
  const place = await mkdtemp(join(tmpdir(), "wharf-check-"));
  const storage = filesystemStorage(root);
  const metadata = await openSqlite(join(place, "metadata.sqlite"));
  const close = async (): Promise<void> => {
    await metadata.close();
    await rm(place, { recursive: true, force: true });
  };
  try {
    // What it remarks the comparison of tree and tables finds again.
    await readTree(storage, metadata, { now });
    return {
      what: { metadata, storage },
      waiting: 0,
      ours: false,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
