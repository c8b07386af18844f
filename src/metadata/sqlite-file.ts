import { Database } from "bun:sqlite";
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

/** For a look at a database that nobody has open. Throws when it is not of this version. */
export function openForLooking(path: string): Database {
  const db = openForReading(path);
  const version = versionOf(db);
  if (version === VERSION) return db;
  db.close();
  throw new Error(`it has version ${version}, this program knows ${VERSION}`);
}
