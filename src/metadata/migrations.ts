import type { Database } from "bun:sqlite";
import first from "./schema/sqlite-1.sql" with { type: "text" };
import second from "./schema/sqlite-2.sql" with { type: "text" };
import third from "./schema/sqlite-3.sql" with { type: "text" };
import fourth from "./schema/sqlite-4.sql" with { type: "text" };

/**
 * The schema, as the steps that lead to it: step n makes version n out of version n - 1, and a new
 * database walks them all. A step that was released is never changed, so an old database and a new one
 * end up alike. They are imported and not read, so that a build into one file has them in it.
 */
const STEPS: readonly string[] = [first, second, third, fourth];

/** The version that this program writes. */
export const VERSION = STEPS.length;

/**
 * Brings the database to this program's version, in one transaction: after a crash it has the old
 * version or the new one. Throws, and changes nothing, when a newer program wrote it.
 */
export function migrate(db: Database): void {
  if (versionOf(db) === VERSION) return;
  db.transaction(() => {
    const version = versionOf(db);
    if (version > VERSION) {
      throw new Error(
        `it has version ${version}, this program knows ${VERSION}; ` +
          "use the program that wrote it, or a newer one",
      );
    }
    for (const step of STEPS.slice(version)) db.run(step);
    db.run(`PRAGMA user_version = ${VERSION}`);
  }).immediate();
}

/** The version of the program that wrote the database last; 0 when it is new. */
export function versionOf(db: Database): number {
  return (db.query("PRAGMA user_version").get() as { user_version: number }).user_version;
}
