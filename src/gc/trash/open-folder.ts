import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  databaseIn,
  demandRegistry,
  hasRegistry,
  isOurs,
  lookInto,
} from "../../metadata/data-folder.ts";
import { sqliteReads } from "../../metadata/sqlite-reads.ts";
import { openRegistry } from "../../registry/open.ts";
import { filesystemStorage } from "../../storage/filesystem.ts";
import { demandNoneRunning } from "../running-registries.ts";
import { openTreeToCollect } from "../open-tree.ts";
import { recoverTrash } from "../tree-recover.ts";
import { putBackNeeded } from "./free-folder.ts";
import type { TrashPlace, TrashReads, TrashView } from "./place.ts";
import { registryPlace, registryView } from "./registry-place.ts";
import { treePlace, treeView } from "./tree-place.ts";

/** The trash of a data folder, to look at. */
export interface TrashFolder<View extends TrashView = TrashView> extends AsyncDisposable {
  readonly place: View;
  /** False: another registry's folder, which may be running. */
  readonly ours: boolean;
}

const MAX_MANIFEST_SIZE = 8 * 1024 * 1024;

/** Opens the trash of a folder to look at it. Changes nothing, and takes no lock. Throws DATA_FOLDER. */
export async function lookIntoTrash(folder: string, sparse: boolean): Promise<TrashFolder> {
  const root = resolve(folder);
  demandRegistry(root);
  const storage = filesystemStorage(root);
  if (!existsSync(databaseIn(root))) {
    const place = treeView(NOTHING, storage, sparse);
    return { place, ours: false, async [Symbol.asyncDispose]() {} };
  }
  const reader = lookInto(databaseIn(root));
  const ours = hasRegistry(reader);
  const view = ours ? registryView : treeView;
  return {
    place: view(sqliteReads(reader), storage, sparse),
    ours,
    async [Symbol.asyncDispose]() {
      reader.close();
    },
  };
}

/**
 * Opens the trash of a folder that no server of ours has open, to take something out of it. Until it is
 * closed none can start there. `free`: for good; of another registry's folder it is made sure then that none
 * runs there, and that nothing in its tree needs what the trash has. Throws DATA_FOLDER, REFUSED.
 */
export async function openTrashFolder(
  folder: string,
  purpose: "restore" | "free",
  sparse: boolean,
  warn: (facts: Readonly<Record<string, unknown>>, message: string) => void,
): Promise<TrashFolder<TrashPlace>> {
  const root = resolve(folder);
  demandRegistry(root);
  if (isOurs(root)) return await openOurs(root, sparse, warn);
  return await openForeign(root, purpose, sparse);
}

async function openOurs(
  root: string,
  sparse: boolean,
  warn: (facts: Readonly<Record<string, unknown>>, message: string) => void,
): Promise<TrashFolder<TrashPlace>> {
  const quiet = (): void => undefined;
  const rules = { delete: true, sparse, maxManifestSize: MAX_MANIFEST_SIZE };
  const open = await openRegistry(root, rules, { reading: quiet, read: quiet, info: quiet, warn });
  return {
    place: registryPlace(open.registry, { sparse, by: null }),
    ours: true,
    [Symbol.asyncDispose]: async () => await open.close(),
  };
}

async function openForeign(
  root: string,
  purpose: "restore" | "free",
  sparse: boolean,
): Promise<TrashFolder<TrashPlace>> {
  if (purpose === "free") {
    // It may remember blobs that lie in the trash. Not before it was stopped, or restarted and the folder looked
    // at once more, is what the trash has really needed by nobody.
    demandNoneRunning(root, ": it may take pushes that need what is in the trash");
  }
  const open = await openTreeToCollect(root, true);
  try {
    const { metadata, files } = open;
    if (!metadata) throw new Error("a trash was to be made");
    if (purpose === "free") await putBackNeeded(files, metadata);
    else await recoverTrash(metadata, files, Date.now());
    return {
      place: treePlace(metadata, filesystemStorage(root), sparse),
      ours: false,
      [Symbol.asyncDispose]: async () => await open[Symbol.asyncDispose](),
    };
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}

const NOTHING: TrashReads = {
  listTrash: async () => [],
  oldestTrash: async () => [],
  listClaims: async () => [],
  sumTrash: async () => ({ entries: 0, bytes: 0 }),
};
