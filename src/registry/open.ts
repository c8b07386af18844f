import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { cached } from "../metadata/cached.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { type ReadReport, readTree } from "../metadata/read-tree.ts";
import { settleJournal } from "../metadata/settle-journal.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { startTreeFollower } from "../metadata/tree-follower.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { type FolderLock, lockFolder } from "../storage/lock.ts";
import type { Storage } from "../storage/storage.ts";
import { syncPath } from "../storage/sync-filesystem.ts";
import { OURS } from "../storage/tree.ts";
import { following } from "./following.ts";
import type { Registry, Rules } from "./registry.ts";
import { UploadSessions } from "./upload-sessions.ts";

/** What the one who opens a registry wants to hear. */
export interface OpenEvents {
  /** The tree is being read: how many repositories so far. */
  reading(repositories: number): void;
  read(report: ReadReport): void;
  /** Something is not as it should be, and the registry goes on. */
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface OpenRegistry {
  readonly registry: Registry;
  /** Tells other commands where this registry's API listens. */
  announce(url: string): void;
  /** Lets the tree follow, so that another program may read it, and gives the folder back. */
  close(): Promise<void>;
}

const HOUSEKEEPING_MS = 1000;

/** Set when the whole tree has been read once, without a failure of the disk. */
const TREE_READ = "tree-read";

/**
 * Opens the data folder, which must not be open elsewhere, and brings metadata and tree to agree: what
 * the journal still has is replayed, and the first time the whole tree is read. Throws DATA_FOLDER.
 */
export async function openRegistry(
  folder: string,
  rules: Rules,
  events: OpenEvents,
  now: () => number = Date.now,
): Promise<OpenRegistry> {
  const root = resolve(folder);
  const lock = await prepare(root);
  const database = join(root, OURS, "metadata.sqlite");
  const storage = filesystemStorage(root);
  const metadata = cached(await openSqlite(database));
  const follower = await startTreeFollower({ database, folder: root }, metadata, (failure) => {
    events.warn({ err: failure }, "the tree lags behind; trying again");
  });

  const settled = await settle(metadata, storage, root, events, now);
  if (settled && (await metadata.getSetting(TREE_READ)) === null) {
    const { unread } = await read(root, metadata, events, now);
    // Where the disk failed, the next start tries again: unreadable is not absent.
    if (unread.length === 0) await metadata.setSetting(TREE_READ, new Date(now()).toISOString());
  }

  const uploads = new UploadSessions(metadata, storage);
  await uploads.restore(now());
  let tidying: Promise<void> = Promise.resolve();
  const housekeeping = setInterval(() => {
    tidying = tidy(uploads, events, now);
  }, HOUSEKEEPING_MS);
  follower.wake();

  return {
    registry: { metadata: following(metadata, follower), storage, uploads, rules, now },
    announce: (url) => lock.announce(url),
    async close() {
      clearInterval(housekeeping);
      await tidying;
      await tidy(uploads, events, now);
      await follower.drain().catch((error: unknown) => {
        events.warn({ err: error }, "the tree lacks the last changes; the next start brings them");
      });
      await follower.close();
      await metadata.close();
      lock.release();
    },
  };
}

/** Creates the folders, durably, and takes the lock. Throws DATA_FOLDER. */
async function prepare(root: string): Promise<FolderLock> {
  const ours = join(root, OURS);
  try {
    const created = await mkdir(ours, { recursive: true });
    // What is committed in a folder that a power cut takes away is gone with it.
    for (let at = ours; created && at.length >= created.length; at = dirname(at)) {
      syncPath(dirname(at));
    }
  } catch (error) {
    const reason = `${root} cannot be created or written (${(error as Error).message})`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
  return lockFolder(ours);
}

/**
 * Replays the journal. False when it could not be: the registry serves all the same, because the tables
 * know everything, and the follower tries again.
 */
async function settle(
  metadata: Metadata,
  storage: Storage,
  root: string,
  events: OpenEvents,
  now: () => number,
): Promise<boolean> {
  try {
    await settleJournal(metadata, storage, async (conflicts) => {
      for (const { name, problem } of conflicts) events.warn({ repository: name }, problem);
      const names = new Set(conflicts.map(({ name }) => name));
      if (names.size > 0) await read(root, metadata, events, now, [...names]);
    });
    return true;
  } catch (error) {
    events.warn({ err: error }, "the tree lags behind and cannot follow; trying again");
    return false;
  }
}

async function tidy(uploads: UploadSessions, events: OpenEvents, now: () => number): Promise<void> {
  try {
    await uploads.save();
    await uploads.expire(now());
  } catch (error) {
    events.warn({ err: error }, "the uploads could not be tidied; trying again");
  }
}

async function read(
  root: string,
  metadata: Metadata,
  events: OpenEvents,
  now: () => number,
  repositories?: readonly RepositoryName[],
): Promise<ReadReport> {
  const report = await readTree(filesystemStorage(root, { blocking: true }), metadata, {
    now,
    onProgress: ({ repositories: done }) => events.reading(done),
    ...(repositories && { repositories }),
  });
  for (const { problem, ...where } of report.problems) events.warn(where, problem);
  events.read(report);
  return report;
}
