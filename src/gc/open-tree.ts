import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Metadata, MetadataReads } from "../metadata/metadata.ts";
import { passOldTrash } from "../metadata/old-trash.ts";
import { readTree } from "../metadata/read-tree.ts";
import { settleJournal } from "../metadata/settle-journal.ts";
import { openUntouched } from "../metadata/sqlite-file.ts";
import { sqliteReads } from "../metadata/sqlite-reads.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { TREE_READ, unsettled } from "../registry/compare.ts";
import { waitingUntil } from "../registry/consent.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { lockFolder } from "../storage/lock.ts";
import { type TreeFiles, treeFiles } from "../storage/tree-files.ts";
import { OURS, TREE } from "../storage/tree.ts";
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
  const root = existing(folder);
  const path = databaseOf(root);
  const nothing = { files: treeFiles(root), metadata: null, agree: async () => undefined };
  if (!existsSync(path)) {
    const none = { ours: false, overlay: undefined, reads: null };
    return { ...nothing, ...none, [Symbol.asyncDispose]: async () => undefined };
  }
  const db = opened(path, () => openUntouched(path));
  const reads = sqliteReads(db);
  const ours = await isOurs(reads);
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
  const root = existing(folder);
  const lock = lockOf(root);
  try {
    const path = databaseOf(root);
    const metadata = trash || existsSync(path) ? await openSqlite(path) : null;
    const storage = filesystemStorage(root, { blocking: true });
    const ours = metadata !== null && (await isOurs(metadata));
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

/**
 * Whether a server of ours has had the folder open, and not only its trash was made. It may have been
 * stopped before it had read the whole tree: what it has acknowledged until then may stand in its journal only.
 */
export async function isOurs(reads: MetadataReads): Promise<boolean> {
  if ((await reads.getSetting(TREE_READ)) !== null) return true;
  if ((await waitingUntil(reads)) !== null) return true;
  if ((await reads.listRepositories({ last: null, limit: 1 })).length > 0) return true;
  return (await reads.readJournal(1)).length > 0;
}

function existing(folder: string): string {
  const root = resolve(folder);
  // A registry of ours to which nobody has pushed yet has no tree.
  if (existsSync(join(root, TREE)) || existsSync(join(root, OURS))) return root;
  throw new RegistryError("DATA_FOLDER", {
    reason: `${root} is no data folder of a registry: it has no ${TREE}`,
  });
}

function databaseOf(root: string): string {
  return join(root, OURS, "metadata.sqlite");
}

function lockOf(root: string): ReturnType<typeof lockFolder> {
  const ours = join(root, OURS);
  try {
    mkdirSync(ours, { recursive: true });
  } catch (error) {
    const reason = `${ours} cannot be created (${(error as Error).message})`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
  return lockFolder(ours);
}

function opened<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const reason = `${path}: ${(error as Error).message}`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}
