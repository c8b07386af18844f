import { Database } from "bun:sqlite";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { RegistryError } from "../oci/errors.ts";
import first from "./schema/state-1.sql" with { type: "text" };
import second from "./schema/state-2.sql" with { type: "text" };
import { Jobs } from "./state-jobs.ts";
import { Listening } from "./state-listening.ts";
import { Times } from "./state-times.ts";
import type { TagTimes } from "../inventory/api/tag-times.ts";

/** Step n makes version n out of version n - 1. A step that was released is never changed. */
const STEPS: readonly string[] = [first, second];

/** Marks the file as ours (`file`, and a database of something else that has this name). */
const APPLICATION = 0x77686b31;

export const STATE_FILE = "wharf-keep.sqlite";

/** What must survive a restart. One file, which `wharf keep` and `wharf prune` may have open together. */
export interface KeepState {
  readonly jobs: Jobs;
  readonly times: Times;
  readonly listening: Listening;
  timesOf(registry: string): TagTimes;
  /** Writes something that changes nothing. Throws when nothing can be written. */
  probe(): void;
  /** Writes down what waits in memory. Safe to call twice. */
  close(): void;
}

/**
 * Opens the state in a folder, or begins a new one where there is none. Throws KEEP_STATE for a file that
 * is damaged, of something else, or of a newer version: it is never taken for an empty one, because times
 * that are forgotten cannot be found out again.
 */
export function openKeepState(folder: string): KeepState {
  const path = join(folder, STATE_FILE);
  let db: Database | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    // An empty file is what a crash between creating and writing it leaves, and nothing was in it.
    const known = existsSync(path);
    db = new Database(path, { create: true, strict: true });
    db.run("PRAGMA busy_timeout = 5000");
    if (known) demandWhole(db);
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = FULL");
    migrate(db);
  } catch (error) {
    db?.close();
    const reason = `${path}: ${(error as Error).message}`;
    throw new RegistryError("KEEP_STATE", { reason }, { cause: error });
  }
  const open = db;
  const listening = new Listening(open);
  const times = new Times(open, { lost: () => listening.lost(Date.now()) });
  let closed = false;
  return {
    jobs: new Jobs(open),
    times,
    listening,
    timesOf: (registry) => ({
      pushed: async (repository, tags, now) => times.list(registry, repository, tags, now),
      async pulled(repository, digests, now) {
        const since = listening.since(registry, now);
        const known = times.pulled(registry, repository, digests, now);
        // Of what was before the account began, only so much is certain: not after its beginning.
        const sure = [...known].map(([digest, at]) => [digest, Math.max(at, since ?? 0)] as const);
        return new Map(since === null ? [] : sure);
      },
      pullsSince: async (now) => listening.since(registry, now),
    }),
    probe: () => void open.run(`PRAGMA user_version = ${STEPS.length}`),
    close() {
      if (closed) return;
      closed = true;
      times.flush();
      open.close();
    },
  };
}

function demandWhole(db: Database): void {
  // Reads the header and the schema: a file that is no database fails here.
  const { tables } = db.query("SELECT count(*) AS tables FROM sqlite_schema").get() as {
    tables: number;
  };
  if (tables === 0 && pragma(db, "user_version") === 0) return;
  if (pragma(db, "application_id") !== APPLICATION)
    throw new Error("it belongs to another program");
  const version = pragma(db, "user_version");
  if (version > STEPS.length) {
    throw new Error(
      `it has version ${version}, this program knows ${STEPS.length}; use the program that wrote it, or a newer one`,
    );
  }
  const found = db.query("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (found.quick_check !== "ok") throw new Error(`it is damaged (${found.quick_check})`);
}

function migrate(db: Database): void {
  db.transaction(() => {
    for (const step of STEPS.slice(pragma(db, "user_version"))) db.run(step);
    db.run(`PRAGMA application_id = ${APPLICATION}`);
    db.run(`PRAGMA user_version = ${STEPS.length}`);
  }).immediate();
}

function pragma(db: Database, name: "user_version" | "application_id"): number {
  const row = db.query(`PRAGMA ${name}`).get() as Readonly<Record<string, number>>;
  return row[name] ?? 0;
}
