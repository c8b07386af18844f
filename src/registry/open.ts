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
import { lockFolder } from "../storage/lock.ts";
import type { Storage } from "../storage/storage.ts";
import { syncPath } from "../storage/sync-filesystem.ts";
import { OURS } from "../storage/tree.ts";
import { following } from "./following.ts";
import { guardedMetadata, guardedStorage } from "./guarded.ts";
import type { Registry, Rules } from "./registry.ts";
import { Room } from "./room.ts";
import { type UploadLimits, UploadSessions } from "./upload-sessions.ts";
import { WriteStop } from "./write-stop.ts";

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
  /** Why pushes are refused, in a few words; null while they are not. */
  refusing(): string | null;
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
  const room = await prepare(root);
  const lock = lockFolder(join(root, OURS));
  const database = join(root, OURS, "metadata.sqlite");
  const stop = new WriteStop((cause) => {
    events.warn({ err: cause }, "a sync failed: no change is taken until the next start");
  });
  const storage = guardedStorage(filesystemStorage(root), stop, room);
  const metadata = guardedMetadata(cached(await openSqlite(database)), stop, room);
  const follower = await startTreeFollower({ database, folder: root }, metadata, (failure) => {
    stop.note(failure);
    events.warn({ err: failure }, "the tree lags behind; trying again");
  });

  const scanning = filesystemStorage(root, { blocking: true });
  const uploads = await recover(
    { metadata, storage, scanning, limits: rules.uploads },
    events,
    now,
  );
  let tidying: Promise<void> = Promise.resolve();
  const housekeeping = setInterval(() => {
    tidying = tidy(uploads, room, stop, events, now);
  }, HOUSEKEEPING_MS);
  follower.wake();

  return {
    registry: { metadata: following(metadata, follower), storage, uploads, rules, now },
    refusing() {
      if (stop.cause) return stop.cause.message;
      return room.isLow() ? "the disk is full" : null;
    },
    announce: (url) => lock.announce(url),
    async close() {
      clearInterval(housekeeping);
      await tidying;
      await tidy(uploads, room, stop, events, now);
      await follower.drain().catch((error: unknown) => {
        events.warn({ err: error }, "the tree lacks the last changes; the next start brings them");
      });
      await follower.close();
      await metadata.close();
      lock.release();
    },
  };
}

/** What a registry is made of, before it serves. */
export interface Parts {
  readonly metadata: Metadata;
  readonly storage: Storage;
  /** The same storage for whoever looks at all of it: it may block its thread. */
  readonly scanning: Storage;
  readonly limits?: UploadLimits | undefined;
}

/**
 * Brings metadata and tree to agree after whatever happened, and takes up the uploads that were saved.
 * It may be cut off anywhere, and done again.
 */
export async function recover(
  parts: Parts,
  events: OpenEvents,
  now: () => number,
): Promise<UploadSessions> {
  const { metadata, storage } = parts;
  const settled = await settle(parts, events, now);
  if (settled && (await metadata.getSetting(TREE_READ)) === null) {
    const { unread } = await read(parts, events, now);
    // Where the disk failed, the next start tries again: unreadable is not absent.
    if (unread.length === 0) await metadata.setSetting(TREE_READ, new Date(now()).toISOString());
  }
  const uploads = new UploadSessions(metadata, storage, parts.limits);
  try {
    await uploads.restore(now());
  } catch (error) {
    // Pulls need none of them; the next start tries again.
    events.warn({ err: error }, "the unfinished uploads could not be taken up");
  }
  return uploads;
}

/** Creates the folders, durably, with room for what opening writes. Throws DATA_FOLDER. */
async function prepare(root: string): Promise<Room> {
  const ours = join(root, OURS);
  try {
    const created = await mkdir(ours, { recursive: true });
    // What is committed in a folder that a power cut takes away is gone with it.
    for (let at = ours; created && at.length >= created.length; at = dirname(at)) {
      syncPath(dirname(at));
    }
    const room = new Room(root);
    room.makeSome();
    return room;
  } catch (error) {
    const reason = `${root} cannot be created or written (${(error as Error).message})`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}

/**
 * Replays the journal. False when it could not be: the registry serves all the same, because the tables
 * know everything, and the follower tries again.
 */
async function settle(parts: Parts, events: OpenEvents, now: () => number): Promise<boolean> {
  try {
    await settleJournal(parts.metadata, parts.storage, async (conflicts) => {
      for (const { name, problem } of conflicts) events.warn({ repository: name }, problem);
      const names = new Set(conflicts.map(({ name }) => name));
      if (names.size > 0) await read(parts, events, now, [...names]);
    });
    return true;
  } catch (error) {
    events.warn({ err: error }, "the tree lags behind and cannot follow; trying again");
    return false;
  }
}

async function tidy(
  uploads: UploadSessions,
  room: Room,
  stop: WriteStop,
  events: OpenEvents,
  now: () => number,
): Promise<void> {
  if (stop.cause) return;
  try {
    // Where there is no room, what there is waits; whether it may expire does not depend on that.
    if (!room.isLow()) await uploads.save();
    await uploads.expire(now());
    await room.refill();
  } catch (error) {
    events.warn({ err: error }, "the uploads could not be tidied; trying again");
  }
}

async function read(
  { scanning, metadata }: Parts,
  events: OpenEvents,
  now: () => number,
  repositories?: readonly RepositoryName[],
): Promise<ReadReport> {
  const report = await readTree(scanning, metadata, {
    now,
    onProgress: ({ repositories: done }) => events.reading(done),
    ...(repositories && { repositories }),
  });
  for (const { problem, ...where } of report.problems) events.warn(where, problem);
  events.read(report);
  return report;
}
