import { Database } from "bun:sqlite";
import { readFileSync } from "node:fs";

const VERSION = 1;

/** Opens the database for the one writer, creating or checking its schema. */
export function openForWriting(path: string): Database {
  const db = new Database(path, { create: true, strict: true });
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA journal_mode = WAL");
  // FULL: a commit is on stable storage when it returns. NORMAL would lose the last ones in a power cut.
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA cache_size = -16000");
  // A checkpoint syncs the database file; with 40 MB between them pushes seldom meet one.
  db.run("PRAGMA wal_autocheckpoint = 10000");
  const version = (db.query("PRAGMA user_version").get() as { user_version: number }).user_version;
  if (version === 0) createSchema(db);
  else if (version !== VERSION) {
    db.close();
    throw new Error(
      `it has version ${version}, this program knows ${VERSION}; ` +
        "use the program that wrote it, or a newer one",
    );
  }
  return db;
}

export function openForReading(path: string): Database {
  const db = new Database(path, { readonly: true, strict: true });
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA cache_size = -16000");
  return db;
}

function createSchema(db: Database): void {
  const schema = readFileSync(new URL("./schema/sqlite.sql", import.meta.url), "utf8");
  db.transaction(() => {
    db.run(schema);
    db.run(`PRAGMA user_version = ${VERSION}`);
  })();
}
