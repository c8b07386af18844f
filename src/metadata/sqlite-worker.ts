/**
 * The one writer of a SQLite database, in a thread of its own so that a slow disk never stalls requests.
 *
 * Group commit: all commands of one message share a transaction, hence one fsync. The other side sends
 * a message as soon as the last one was answered, with all that has gathered meanwhile.
 */
import { type Database } from "bun:sqlite";
import { openForWriting } from "./sqlite-file.ts";
import { type Writes, sqliteWrites } from "./sqlite-writes.ts";

export interface Command {
  readonly method: keyof Writes;
  readonly parameters: readonly unknown[];
}

export type Request =
  | { readonly open: string }
  | { readonly commands: readonly Command[] }
  | "close";

export interface Failure {
  readonly message: string;
  readonly code: string | null;
}

export type Reply = { readonly results: readonly unknown[] } | { readonly failure: Failure };

declare const self: Worker;

let db: Database | undefined;
let writes: Writes | undefined;
/** Since the disk was full, and until the log begins anew in the room that it has. */
let tight = false;

self.onmessage = ({ data }: MessageEvent<Request>) => {
  let reply: Reply;
  try {
    reply = { results: answer(data) };
  } catch (error) {
    reply = { failure: describe(error) };
  }
  self.postMessage(reply);
};

function answer(request: Request): unknown[] {
  if (request === "close") {
    try {
      if (db) foldLog(db);
    } finally {
      db?.close();
    }
    return [];
  }
  if ("open" in request) {
    db = openForWriting(request.open);
    writes = sqliteWrites(db);
    return [];
  }
  return commit(request.commands);
}

const FOLD_TRIES = 50;
const FOLD_PAUSE_MS = 10;

/**
 * Moves the log into the database: whoever copies the file of a stopped registry must not get one
 * without the last changes. Readers that are just ending can hold it up for some milliseconds. Where it
 * fails nothing is lost: the log stays beside the file, and belongs to it.
 */
function foldLog(open: Database): void {
  const fold = open.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)");
  for (let tries = 0; tries < FOLD_TRIES; tries++) {
    if (fold.get()?.busy === 0) return;
    Bun.sleepSync(FOLD_PAUSE_MS);
  }
}

function commit(commands: readonly Command[]): unknown[] {
  try {
    const results = transact(commands);
    if (tight) restartLog();
    return results;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "SQLITE_FULL") throw error;
    tight = true;
    restartLog();
    return transact(commands);
  }
}

function transact(commands: readonly Command[]): unknown[] {
  if (!db || !writes) throw new Error("the database is not open");
  db.run("BEGIN IMMEDIATE");
  try {
    const results = commands.map(({ method, parameters }) =>
      run(writes as Writes, method, parameters),
    );
    db.run("COMMIT");
    return results;
  } catch (error) {
    if (db.inTransaction) db.run("ROLLBACK");
    throw error;
  }
}

/** Without this every commit would make the log longer, up to 40 MB: on a full disk it must use its own room again. */
function restartLog(): void {
  try {
    const state = db?.query("PRAGMA wal_checkpoint(RESTART)").get() as { busy: number };
    tight = state.busy !== 0;
  } catch {
    // The database would have to grow, and there is no room for that either: later.
  }
}

function run(all: Writes, method: keyof Writes, parameters: readonly unknown[]): unknown {
  return (all[method] as (...parameters: readonly unknown[]) => unknown)(...parameters);
}

function describe(error: unknown): Failure {
  const { message, code } = error as { message?: string; code?: unknown };
  return { message: message ?? String(error), code: typeof code === "string" ? code : null };
}
