import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
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

/** Unfinished uploads that nobody touches for a week are given up, as registry:2 does. */
const UPLOAD_LIFETIME_MS = 7 * 24 * 3600 * 1000;
const HOUSEKEEPING_MS = 1000;

/** Set when the whole tree has been read once; until then the metadata may know a part of it only. */
const TREE_READ = "tree-read";

/**
 * Opens the data folder, which must not be open elsewhere, and brings metadata and tree to agree:
 * the first time the tree is read; later the journal is replayed, and repositories that another program
 * changed meanwhile are read again. Throws DATA_FOLDER.
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

  if ((await metadata.getSetting(TREE_READ)) === null) {
    await read(root, metadata, events, now);
    await metadata.setSetting(TREE_READ, new Date(now()).toISOString());
  } else {
    const conflicts = await settleJournal(metadata, storage);
    for (const { name, problem } of conflicts) events.warn({ repository: name }, problem);
    const names = new Set(conflicts.map(({ name }) => name));
    if (names.size > 0) await read(root, metadata, events, now, [...names]);
  }
  await follower.drain();

  const uploads = new UploadSessions(metadata, storage);
  await uploads.restore(now());
  const housekeeping = setInterval(() => {
    Promise.all([uploads.save(), uploads.expire(now() - UPLOAD_LIFETIME_MS)]).catch(
      (error: unknown) => {
        events.warn({ err: error }, "the uploads could not be tidied; trying again");
      },
    );
  }, HOUSEKEEPING_MS);

  return {
    registry: { metadata: following(metadata, follower), storage, uploads, rules, now },
    announce: (url) => lock.announce(url),
    async close() {
      clearInterval(housekeeping);
      await uploads.save();
      await follower.drain();
      await follower.close();
      await metadata.close();
      lock.release();
    },
  };
}

async function prepare(root: string) {
  try {
    await mkdir(join(root, OURS), { recursive: true });
  } catch (error) {
    throw new RegistryError(
      "DATA_FOLDER",
      { reason: `${root} cannot be created or written (${(error as Error).message})` },
      { cause: error },
    );
  }
  return lockFolder(join(root, OURS));
}

async function read(
  root: string,
  metadata: Metadata,
  events: OpenEvents,
  now: () => number,
  repositories?: readonly RepositoryName[],
): Promise<void> {
  const report = await readTree(filesystemStorage(root, { blocking: true }), metadata, {
    now,
    onProgress: ({ repositories: done }) => events.reading(done),
    ...(repositories && { repositories }),
  });
  for (const { problem, ...where } of report.problems) events.warn(where, problem);
  events.read(report);
}
