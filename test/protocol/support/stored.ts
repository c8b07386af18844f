import { Database } from "bun:sqlite";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { filesBelow } from "../../support/folder.ts";

/** All that a data folder keeps, as lines that can be compared. */
export interface Stored {
  /** Every row of every table, without times: answers about content may renew when it was last seen. */
  readonly rows: readonly string[];
  /** Path and size of every file of the tree; null while the tree still follows the tables. */
  readonly tree: readonly string[] | null;
  /** Name and size of every large unfinished upload; the file of a small one comes in its own time. */
  readonly uploads: readonly string[];
}

/** Up to this many bytes an unfinished upload may be in memory, and get its file later. */
const SMALL = 16 * 1024;

export async function stored(data: string): Promise<Stored> {
  const db = new Database(join(data, "wharfinger", "metadata.sqlite"), { readonly: true });
  try {
    return {
      rows: tables(db).flatMap((table) => rows(db, table)),
      tree: hasFollowed(db) ? await sized(join(data, "docker")) : null,
      uploads: (await uploadFiles(data)).filter((file) => Number(file.split(" ")[1]) > SMALL),
    };
  } finally {
    db.close();
  }
}

/** Waits until the tree has followed all that was acknowledged. */
export async function followed(data: string): Promise<void> {
  const db = new Database(join(data, "wharfinger", "metadata.sqlite"), { readonly: true });
  try {
    while (!hasFollowed(db)) await Bun.sleep(10);
  } finally {
    db.close();
  }
}

/** Name and size of every unfinished upload. */
export async function uploadFiles(data: string): Promise<string[]> {
  return await sized(join(data, "wharfinger", "uploads"));
}

/**
 * Those that change by themselves: settings say when the tree was first read; the journal and the contents that wait with it are followed
 * (`sqlite_sequence` tells whether there was another entry), and uploads that stay open are recorded
 * after a while.
 */
const RESTLESS = ["settings", "journal", "contents", "uploads"];

function tables(db: Database): string[] {
  const names = db
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    )
    .all();
  return names.map(({ name }) => name).filter((name) => !RESTLESS.includes(name));
}

function rows(db: Database, table: string): string[] {
  const found = db.query<Record<string, unknown>, []>(`SELECT * FROM ${table}`).all();
  return found
    .map((row) => {
      const fields = Object.entries(row).filter(([column]) => !column.endsWith("_at"));
      return `${table}: ${fields.map(([, value]) => (value instanceof Uint8Array ? value.length : value)).join(" ")}`;
    })
    .toSorted();
}

function hasFollowed(db: Database): boolean {
  return db.query("SELECT 1 FROM journal LIMIT 1").get() === null;
}

async function sized(folder: string): Promise<string[]> {
  const files = await filesBelow(folder);
  return await Promise.all(
    files.map(
      async (file) =>
        `${file} ${(await stat(join(folder, file)).catch(() => null))?.size ?? "gone"}`,
    ),
  );
}
