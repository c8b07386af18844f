import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { databaseIn, demandRegistry, isOurs, lookInto } from "../metadata/data-folder.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { readTree } from "../metadata/read-tree.ts";
import { sqliteReads } from "../metadata/sqlite-reads.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { lockFolder } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import type { Checkable } from "./checkable.ts";

export interface OpenCheckable extends AsyncDisposable {
  readonly what: Checkable;
  /** Changes that the tree has not followed, because of a crash: the next start of the server brings them. */
  readonly waiting: number;
  readonly trash: Checkable["trash"];
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
  if (isOurs(root)) return await openOurs(root, databaseIn(root));
  demandRegistry(root);
  return await openForeign(root, now);
}

async function openOurs(root: string, database: string): Promise<OpenCheckable> {
  const lock = lockFolder(join(root, OURS));
  try {
    const reader = lookInto(database);
    const metadata = sqliteReads(reader);
    const waiting = await metadata.readJournal(Number.MAX_SAFE_INTEGER);
    return {
      what: { metadata, storage: filesystemStorage(root), trash: metadata },
      waiting: waiting.length,
      trash: metadata,
      ours: true,
      async [Symbol.asyncDispose]() {
        reader.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A tree without our metadata: it is read into tables that are gone afterwards. */
async function openForeign(root: string, now: () => number): Promise<OpenCheckable> {
  await using opened = new AsyncDisposableStack();
  const storage = filesystemStorage(root);
  const metadata = await temporaryMetadata(opened);
  // What it remarks the comparison of tree and tables finds again.
  await readTree(storage, metadata, { now });
  const trash = trashIn(root, opened);
  const closing = opened.move();
  return {
    what: { metadata, storage, trash },
    waiting: 0,
    trash,
    ours: false,
    [Symbol.asyncDispose]: async () => await closing.disposeAsync(),
  };
}

/** Tables that are gone with `opened`. */
export async function temporaryMetadata(opened: AsyncDisposableStack): Promise<Metadata> {
  const place = await mkdtemp(join(tmpdir(), "wharf-check-"));
  opened.defer(async () => await rm(place, { recursive: true, force: true }));
  const metadata = await openSqlite(join(place, "metadata.sqlite"));
  opened.defer(async () => await metadata.close());
  return metadata;
}

function trashIn(root: string, opened: AsyncDisposableStack): OpenCheckable["trash"] {
  if (!existsSync(databaseIn(root))) return null;
  const reader = lookInto(databaseIn(root));
  opened.defer(() => reader.close());
  return sqliteReads(reader);
}
