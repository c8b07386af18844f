import { resolve } from "node:path";
import { databaseIn, demandRegistry, isOurs, makeOurs } from "../metadata/data-folder.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { readTree } from "../metadata/read-tree.ts";
import { passOldTrash } from "../metadata/old-trash.ts";
import { settleJournal } from "../metadata/settle-journal.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { lockFolder } from "../storage/lock.ts";
import type { Storage } from "../storage/storage.ts";
import { openCheckable, temporaryMetadata } from "./open-checkable.ts";
import { followWithTrash } from "./repair-forget.ts";
import { demandNoneRunning } from "./running-registries.ts";
import type { Repairable, RepairableMetadata } from "./repairable.ts";

export interface OpenRepairable extends AsyncDisposable {
  readonly what: Repairable;
  readonly ours: boolean;
}

/**
 * Opens a data folder that no server has open, to repair it. What a crash has left in the journal is brought
 * to the tree first. In a folder of another registry, whose server must be stopped, only our trash is ours.
 * Throws DATA_FOLDER, and REFUSED when another registry is seen to run on it.
 */
export async function openRepairable(
  folder: string,
  now: () => number = Date.now,
): Promise<OpenRepairable> {
  const root = resolve(folder);
  demandRegistry(root);
  const ours = isOurs(root);
  // What it writes at this moment, a link that is empty yet, would look like damage.
  demandNoneRunning(root, ": what it is about to write looks like damage");
  await using opened = new AsyncDisposableStack();
  const lock = lockFolder(makeOurs(root));
  opened.defer(() => lock.release());
  const rows = await openSqlite(databaseIn(root));
  opened.defer(async () => await rows.close());
  const storage = filesystemStorage(root);
  await passOldTrash(rows, storage);
  const metadata = ours ? rows : await temporaryMetadata(opened);
  // What a crash has left. Of a foreign tree it is the tree that fills the tables.
  if (ours) await settleJournal(metadata, storage);
  else await readTree(storage, metadata, { now });
  const what: Repairable = {
    state: ours ? "stopped" : "foreign",
    metadata,
    storage,
    trash: rows,
    coming: async (_, work) => await work(),
    // In the tables that were made from a tree nothing is known that it does not say.
    ...following(metadata, storage, ours ? rows : null, now),
    now,
  };
  const closing = opened.move();
  return { what, ours, [Symbol.asyncDispose]: async () => await closing.disposeAsync() };
}

/** The same, only to say what would be done: nothing is changed, and nothing can be. */
export async function openForPlan(
  folder: string,
  now: () => number = Date.now,
): Promise<OpenRepairable> {
  const open = await openCheckable(folder, now);
  const refuse = async (): Promise<never> => {
    throw new Error("a plan changes nothing");
  };
  const { storage } = open.what;
  const metadata: RepairableMetadata = {
    ...open.what.metadata,
    linkBlob: refuse,
    unlinkBlob: refuse,
    replaceRepository: refuse,
  };
  const what: Repairable = {
    state: open.ours ? "stopped" : "foreign",
    metadata,
    storage: { ...storage, write: refuse, append: refuse, move: refuse, delete: refuse },
    trash: open.trash && { ...open.trash, addTrash: refuse, removeTrash: refuse },
    coming: async (_, work) => await work(),
    settle: async () => undefined,
    follow: refuse,
    now,
  };
  return { what, ours: open.ours, [Symbol.asyncDispose]: open[Symbol.asyncDispose] };
}

/** Both directions, while nobody else changes anything. */
function following(
  metadata: Metadata,
  storage: Storage,
  trash: Metadata | null,
  now: () => number,
): Pick<Repairable, "settle" | "follow"> {
  const settle = async (): Promise<void> => {
    await settleJournal(metadata, storage);
  };
  return {
    settle,
    async follow(name) {
      // What the metadata took must not look as if the tree had lost it.
      await settle();
      await followWithTrash(name, metadata, { storage, trash, now });
      await settle();
    },
  };
}
