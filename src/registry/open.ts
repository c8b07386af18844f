import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type CacheCounts, cached } from "../metadata/cached.ts";
import { databaseIn } from "../metadata/data-folder.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { passOldTrash } from "../metadata/old-trash.ts";
import { PULLS_SINCE } from "../metadata/retention-records.ts";
import { settleJournal } from "../metadata/settle-journal.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { startTreeFollower } from "../metadata/tree-follower.ts";
import { RegistryError } from "../oci/errors.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { lockFolder } from "../storage/lock.ts";
import type { Storage } from "../storage/storage.ts";
import { syncPath } from "../storage/sync-filesystem.ts";
import { OURS } from "../storage/tree.ts";
import { type TreeEvents, compareTree } from "./compare.ts";
import { compared } from "./compared.ts";
import { following } from "./following.ts";
import { awaitConsent, isTakenOver } from "./consent.ts";
import { Custody } from "./custody.ts";
import { guardedMetadata, guardedStorage } from "./guarded.ts";
import { settleClaims } from "./leaving.ts";
import { Promises } from "./promises.ts";
import { PullTimes } from "./pull-times.ts";
import type { Registry, Rules } from "./registry.ts";
import { Room } from "./room.ts";
import { type UploadCounts, type UploadLimits, UploadSessions } from "./upload-sessions.ts";
import { WriteStop } from "./write-stop.ts";

/** What the one who opens a registry wants to hear. */
export interface OpenEvents extends TreeEvents {
  /** A transaction of the metadata is durable: how many changes it held, and how long it took. */
  committed?(changes: number, ms: number): void;
}

/** What goes on inside, for whoever watches over it. */
export interface Figures {
  readonly cache: Readonly<CacheCounts>;
  uploads(): UploadCounts;
  /** What the tree has not followed yet: how many changes, and for how many seconds. */
  journal(): Promise<{ readonly entries: number; readonly seconds: number }>;
}

export interface Collecting {
  /** Resolves when the tree has followed, durably, all that was changed before the call. */
  drain(): Promise<void>;
  /** Resolves when the whole tree was compared after the start; to false when not all of it could be. */
  readonly compared: Promise<boolean>;
  /** Why no change is taken any more; null while they are. */
  writesStopped(): string | null;
  /** UTC milliseconds of the machine, by which files are dated. */
  readonly openSince: number;
}

export interface OpenRegistry {
  readonly registry: Registry;
  readonly figures: Figures;
  /** What a collection of garbage has to do with besides. */
  readonly collecting: Collecting;
  /** Why pushes are refused, in a few words; null while they are not. */
  refusing(): string | null;
  /** Tells other commands where this registry's API listens. */
  announce(url: string): void;
  /** Lets the tree follow, so that another program may read it, and gives the folder back. */
  close(): Promise<void>;
}

const HOUSEKEEPING_MS = 1000;

/**
 * Opens the data folder, which must not be open elsewhere, and brings metadata and tree to agree: what
 * the journal still has is replayed, then the tree is compared in the background. Throws DATA_FOLDER.
 */
export async function openRegistry(
  folder: string,
  rules: Rules,
  events: OpenEvents,
  now: () => number = Date.now,
): Promise<OpenRegistry> {
  const root = resolve(folder);
  const openSince = Date.now();
  const room = await prepare(root);
  const lock = lockFolder(join(root, OURS));
  const database = databaseIn(root);
  const stop = new WriteStop((cause) => {
    events.warn({ err: cause }, "a sync failed: no change is taken until the next start");
  });
  const storage = guardedStorage(filesystemStorage(root), stop, room);
  const cache: CacheCounts = { hits: 0, misses: 0 };
  const committed = (changes: number, ms: number) => events.committed?.(changes, ms);
  const metadata = guardedMetadata(
    cached(await openSqlite(database, committed), cache),
    stop,
    room,
  );
  const follower = await startTreeFollower({ database, folder: root }, metadata, (failure) => {
    stop.note(failure);
    events.warn({ err: failure }, "the tree lags behind; trying again");
  });

  await room.refill().catch((error: unknown) => {
    events.warn({ err: error }, "there is no room for the reserve");
  });
  const uploads = await recover({ metadata, storage, limits: rules.uploads }, events, now);
  // Before the first push, and before anything of it is known.
  const asked = await askOwner({ metadata, storage }, events, now());
  const scan = await compareTree({ database, folder: root, now: now() }, metadata, events);
  /** One after the other: on a slow disk they would gather, and get into each other's way. */
  let tidying: Promise<void> | null = null;
  const housekeeping = setInterval(() => {
    tidying ??= tidy(uploads, room, stop, events, now).finally(() => (tidying = null));
  }, HOUSEKEEPING_MS);
  await notePullsSince(metadata, rules, now());
  const pulls = new PullTimes();
  pulls.hold(rules.readOnly === true);
  pulls.start(metadata, (error) => {
    events.warn({ err: error }, "what was pulled could not be written down; trying again");
  });
  follower.wake();
  // It may have found that the tree has lost something that the tables still have.
  void scan.finished.then(() => follower.wake());

  return {
    registry: {
      metadata: compared(following(metadata, follower), scan),
      storage,
      uploads,
      custody: new Custody(),
      promises: new Promises(),
      pulls,
      rules,
      now,
    },
    collecting: {
      drain: () => follower.drain(),
      compared: scan.finished.then(async (report) => {
        // Whoever wrote into the tree has served it, too, and nobody knows what was pulled from there.
        if (report && report.changed > 0) await notePullsSince(metadata, rules, now(), true);
        return asked && report?.unseen.length === 0;
      }),
      writesStopped: () => stop.cause?.message ?? null,
      openSince,
    },
    figures: {
      cache,
      uploads: () => uploads.counts(),
      journal: async () => ({
        entries: await metadata.countJournal(),
        seconds: follower.lag() / 1000,
      }),
    },
    refusing() {
      if (stop.cause) return stop.cause.message;
      return room.isLow() ? "the disk is full" : null;
    },
    announce: (url) => lock.announce(url),
    async close() {
      clearInterval(housekeeping);
      await scan.close();
      await pulls.close(metadata).catch((error: unknown) => {
        events.warn({ err: error }, "the pulls of the last minute could not be written down");
      });
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

/** From the first start that records pulls on, or from now on (`anew`), what is not recorded was not pulled. */
async function notePullsSince(
  metadata: Pick<Metadata, "getSetting" | "setSetting">,
  { readOnly }: Rules,
  now: number,
  anew = false,
): Promise<void> {
  if (readOnly || (!anew && (await metadata.getSetting(PULLS_SINCE)) !== null)) return;
  // The next start will do: until then nobody knows.
  await metadata.setSetting(PULLS_SINCE, String(now)).catch(() => undefined);
}

/** What a registry is made of, before it serves. */
export interface Parts {
  readonly metadata: Metadata;
  readonly storage: Storage;
  readonly limits?: UploadLimits | undefined;
}

/**
 * Brings to the tree what a crash has left in the journal, and takes up the uploads that were saved. It
 * may be cut off anywhere, and done again. What comes after it is the comparison with the tree.
 */
export async function recover(
  parts: Parts,
  events: Pick<TreeEvents, "warn">,
  now: () => number,
): Promise<UploadSessions> {
  const { metadata, storage } = parts;
  await passOldTrash(metadata, storage);
  await settle(parts, events);
  try {
    await settleClaims(parts, now());
  } catch (error) {
    // They stay claimed: nobody is told that those blobs are here, and the next collection begins with them.
    events.warn({ err: error }, "what was leaving when the registry ended could not be settled");
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

/** Writes down that a tree which was taken over waits for its owner's yes. False when that could not be done. */
async function askOwner(
  { metadata, storage }: Parts,
  events: Pick<TreeEvents, "warn">,
  now: number,
): Promise<boolean> {
  try {
    const found = await isTakenOver(metadata, storage);
    if (found) await awaitConsent(metadata, now, { found, foreign: false });
    return true;
  } catch (error) {
    events.warn(
      { err: error },
      "it could not be written down that this tree waits for its owner's yes: nothing is collected until the next start",
    );
    return false;
  }
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
    const reason = `${root} cannot be created or written (${(error as Error).message})${whose(error, root)}`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}

/** A folder that another program filled as root is refused to everybody else: what gives it to us. */
function whose(error: unknown, root: string): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const uid = process.getuid?.();
  if ((code !== "EACCES" && code !== "EPERM") || uid === undefined) return "";
  return `; this process is user ${uid}: as root, \`chown -R ${uid} ${root}\` gives it the folder`;
}

/**
 * Replays the journal. When it cannot be, the registry serves all the same, because the tables know
 * everything, and the follower tries again.
 */
async function settle(
  { metadata, storage }: Parts,
  events: Pick<TreeEvents, "warn">,
): Promise<void> {
  try {
    for (const { name, problem } of await settleJournal(metadata, storage)) {
      events.warn({ repository: name }, problem);
    }
  } catch (error) {
    events.warn({ err: error }, "the tree lags behind and cannot follow; trying again");
  }
}

async function tidy(
  uploads: UploadSessions,
  room: Room,
  stop: WriteStop,
  events: TreeEvents,
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
