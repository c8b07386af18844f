import type { Database } from "bun:sqlite";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { RegistryError } from "../oci/errors.ts";
import { OURS, TREE } from "../storage/tree.ts";
import { openForLooking } from "./sqlite-file.ts";

/** The path of the database that a data folder has, or would have. */
export function databaseIn(root: string): string {
  return join(root, OURS, "metadata.sqlite");
}

/** Throws DATA_FOLDER for a folder in which neither we nor another registry have left anything. */
export function demandRegistry(root: string): void {
  // A registry of ours to which nobody has pushed yet has no tree.
  if (existsSync(join(root, TREE)) || existsSync(join(root, OURS))) return;
  const reason = `${root} is no data folder of a registry: it has no ${TREE}`;
  throw new RegistryError("DATA_FOLDER", { reason });
}

/** Makes the folder for what is ours. Throws DATA_FOLDER. */
export function makeOurs(root: string): string {
  const ours = join(root, OURS);
  try {
    mkdirSync(ours, { recursive: true });
    return ours;
  } catch (error) {
    const reason = `${ours} cannot be created (${(error as Error).message})`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}

/** Opens a database to look at it. Throws DATA_FOLDER. */
export function lookInto(
  path: string,
  open: (path: string) => Database = openForLooking,
): Database {
  try {
    return open(path);
  } catch (error) {
    const reason = `${path}: ${(error as Error).message}`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}

/**
 * Whether a registry of ours keeps its metadata in a folder, also one that was cut off while it read the tree
 * for the first time: what it has acknowledged may stand in its journal only. Commands create the database in
 * the folders of other registries, too, for the trash alone. One that cannot be read is ours, so that nobody
 * goes on without it.
 */
export function isOurs(root: string): boolean {
  const path = databaseIn(root);
  if (!existsSync(path)) return false;
  try {
    const db = openForLooking(path);
    try {
      return hasRegistry(db);
    } finally {
      db.close();
    }
  } catch {
    return true;
  }
}

/** The same of a database that is open. */
export function hasRegistry(db: Database): boolean {
  const has = (table: string): boolean => db.query(`SELECT 1 FROM ${table} LIMIT 1`).get() !== null;
  return ["settings", "repositories", "journal", "uploads"].some(has);
}
