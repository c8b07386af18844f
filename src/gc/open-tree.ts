import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  databaseIn,
  demandRegistry,
  hasRegistry,
  isOurs,
  lookInto,
  makeOurs,
} from "../metadata/data-folder.ts";
import type { Metadata, MetadataReads } from "../metadata/metadata.ts";
import { passOldTrash } from "../metadata/old-trash.ts";
import { readTree } from "../metadata/read-tree.ts";
import { settleJournal } from "../metadata/settle-journal.ts";
import { openUntouched } from "../metadata/sqlite-file.ts";
import { sqliteReads } from "../metadata/sqlite-reads.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import type { RepositoryName } from "../oci/name.ts";
import { unsettled } from "../registry/compare.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { lockFolder } from "../storage/lock.ts";
import { type TreeFiles, treeFiles } from "../storage/tree-files.ts";
import type { Overlay } from "./tree-look.ts";
import { overlayOf } from "./tree-overlay.ts";

/** A tree that was opened for a collection. */
export interface OpenTree extends AsyncDisposable {
  readonly files: TreeFiles;
  /** A registry of ours keeps its metadata here: what it knows was taken into account. */
  readonly ours: boolean;
  readonly overlay: Overlay | undefined;
  /** Of a folder of ours, or with a trash; null: neither. Only to read in a dry run. */
  readonly reads: MetadataReads | null;
  /** Null in a dry run, and for a purge of a tree that has no trash. */
  readonly metadata: Metadata | null;
  /** Makes the metadata say what the tree says. */
  agree(touched: readonly RepositoryName[]): Promise<void>;
}

/** Opens a folder to look at it. Nothing is written at all. Throws DATA_FOLDER. */
export async function openTreeToLook(folder: string): Promise<OpenTree> {
  const root = resolve(folder);
  demandRegistry(root);
  const path = databaseIn(root);
  const nothing = { files: treeFiles(root), metadata: null, agree: async () => undefined };
  if (!existsSync(path)) {
    const none = { ours: false, overlay: undefined, reads: null };
    return { ...nothing, ...none, [Symbol.asyncDispose]: async () => undefined };
  }
  const db = lookInto(path, openUntouched);
  const reads = sqliteReads(db);
  const ours = hasRegistry(db);
  return {
    ...nothing,
    ours,
    reads,
    overlay: ours ? overlayOf(reads, await unsettled(reads)) : undefined,
    [Symbol.asyncDispose]: async () => db.close(),
  };
}

/**
 * Opens a folder to remove something from it: it is locked until the end. Where the metadata is ours, what
 * a crash has cut off is brought to the tree first. `trash`: make one if there is none.
 * Throws DATA_FOLDER when another process has it.
 */
export async function openTreeToCollect(folder: string, trash: boolean): Promise<OpenTree> {
  const root = resolve(folder);
  demandRegistry(root);
  const lock = lockFolder(makeOurs(root));
  try {
    const path = databaseIn(root);
    const ours = isOurs(root);
    const metadata = trash || existsSync(path) ? await openSqlite(path) : null;
    const storage = filesystemStorage(root, { blocking: true });
    if (metadata) await passOldTrash(metadata, storage);
    if (ours && metadata) await settleJournal(metadata, storage);
    return {
      files: treeFiles(root),
      ours,
      reads: metadata,
      metadata,
      overlay: ours && metadata ? overlayOf(metadata, await unsettled(metadata)) : undefined,
      async agree(repositories) {
        if (!ours || !metadata || repositories.length === 0) return;
        await readTree(storage, metadata, { now: Date.now, repositories });
      },
      async [Symbol.asyncDispose]() {
        await metadata?.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
