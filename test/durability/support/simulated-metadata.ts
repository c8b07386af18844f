import { Database } from "bun:sqlite";
import type { Metadata } from "../../../src/metadata/metadata.ts";
import { migrate } from "../../../src/metadata/migrations.ts";
import { sqliteReads } from "../../../src/metadata/sqlite-reads.ts";
import { sqliteWrites } from "../../../src/metadata/sqlite-writes.ts";
import { RegistryError } from "../../../src/oci/errors.ts";

/** The database of a new registry, as bytes. */
export function newDatabase(): Uint8Array {
  using db = new Database(":memory:", { strict: true });
  db.run("PRAGMA page_size = 1024");
  migrate(db);
  return db.serialize();
}

/**
 * The tables and statements of the real metadata, with one thing left out: SQLite's own files. SQLite
 * with `synchronous=FULL` is trusted to keep what it has committed, and nothing else; so a commit here
 * is whole and durable at the moment when its promise resolves.
 */
export class SimulatedMetadata implements Disposable {
  readonly #db: Database;
  /** As of the last commit: what a crash leaves. */
  image: Uint8Array;

  /** `before` comes before every commit, and may throw. */
  constructor(
    image: Uint8Array,
    readonly before: (method: string) => void,
  ) {
    this.image = image;
    this.#db = Database.deserialize(image, { strict: true });
  }

  open(): Metadata {
    const writes = sqliteWrites(this.#db);
    const methods = Object.entries(writes).map(([method, work]) => [
      method,
      async (...parameters: unknown[]) => {
        await Promise.resolve();
        try {
          this.before(method);
        } catch (error) {
          // As the writer's thread reports what its disk says.
          const kind =
            (error as { code?: string }).code === "ENOSPC" ? "STORAGE_FULL" : "UNAVAILABLE";
          throw new RegistryError(kind, {}, { cause: error });
        }
        const run = work as (...parameters: unknown[]) => unknown;
        const result = this.#db.transaction(() => run(...parameters))();
        this.image = this.#db.serialize();
        await Promise.resolve();
        return result;
      },
    ]);
    const all = Object.fromEntries(methods) as Omit<Metadata, "close">;
    return { ...sqliteReads(this.#db), ...all, close: async () => this[Symbol.dispose]() };
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
