import { Database, constants } from "bun:sqlite";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { VERSION, migrate, versionOf } from "./migrations.ts";

/** Opens the database for the one writer, creating its schema, or bringing it to this version. */
export function openForWriting(path: string): Database {
  const db = new Database(path, { create: true, strict: true });
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA journal_mode = WAL");
  // FULL: a commit is on stable storage when it returns. NORMAL would lose the last ones in a power cut.
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA cache_size = -16000");
  // A checkpoint syncs the database file; with 40 MB between them pushes seldom meet one.
  db.run("PRAGMA wal_autocheckpoint = 10000");
  try {
    migrate(db);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

export function openForReading(path: string): Database {
  const db = new Database(path, { readonly: true, strict: true });
  db.run("PRAGMA busy_timeout = 5000");
  // A thread that ends with it open would sync the log on its way out: after a failed sync nobody may.
  db.run("PRAGMA synchronous = OFF");
  db.run("PRAGMA cache_size = -16000");
  return db;
}

/**
 * The same, without leaving a trace: reading makes two files beside it, unless its last user was cut off
 * and they are there already. Throws when it is not of this version.
 */
export function openUntouched(path: string): Database {
  if (existsSync(`${path}-wal`)) return openForLooking(path);
  const { SQLITE_OPEN_READONLY, SQLITE_OPEN_URI } = constants;
  const url = `${pathToFileURL(path).href}?immutable=1`;
  return ofThisVersion(new Database(url, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));
}

/** For a look at a database that nobody has open. Throws when it is not of this version. */
export function openForLooking(path: string): Database {
  return ofThisVersion(openForReading(path));
}

function ofThisVersion(db: Database): Database {
  const version = versionOf(db);
  if (version === VERSION) return db;
  db.close();
  const remedy =
    version < VERSION
      ? "looking at it does not change it: start `wharf serve` with it once"
      : "use the program that wrote it, or a newer one";
  throw new Error(`it has version ${version}, this program knows ${VERSION}; ${remedy}`);
}
