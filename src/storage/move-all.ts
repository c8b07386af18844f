import { dirname } from "node:path";
import type { Disk } from "./disk.ts";
import { type Folders, isCode } from "./folders.ts";
import type { Move } from "./storage.ts";

/** So many calls of one batch wait in the pool of threads at a time: the others there are clients'. */
const AT_ONCE = 4;

/**
 * Renames a batch of files, and syncs each folder that it touched once. Paths are absolute.
 *
 * A power cut in the middle may leave a file under both names, or under one: never under none, because
 * a rename is one change for the file systems that we run on. What is gone for good is only the old
 * name, and it stays gone when the folder that lost it is durable.
 */
export async function moveAll(
  moves: readonly Move[],
  folders: Folders,
  disk: Disk,
): Promise<boolean[]> {
  const gained = new Set(moves.map(({ to }) => dirname(to)));
  for (const folder of gained) await folders.ensure(folder);
  const lost = new Set<string>();
  const moved: boolean[] = [];
  await inTurn(moves.entries(), async ([index, move]) => {
    moved[index] = await rename(move, folders, disk);
    if (!moved[index]) return;
    const folder = dirname(move.from);
    lost.add((await isTidied(folder, disk)) ? dirname(folder) : folder);
  });
  for (const folder of gained) await folders.sync(folder);
  // Mostly for nothing: one sync writes out all that these share.
  await inTurn(lost.values(), async (folder) => await folders.sync(folder));
  return moved;
}

async function rename({ from, to }: Move, folders: Folders, disk: Disk): Promise<boolean> {
  try {
    await folders.within(dirname(to), async () => await disk.rename(from, to));
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "ENOTDIR")) return false;
    throw error;
  }
}

async function isTidied(folder: string, disk: Disk): Promise<boolean> {
  try {
    await disk.rmdir(folder);
    return true;
  } catch (error) {
    // Somebody else's file is in it, or somebody else has removed it: it may stay as it is.
    if (isCode(error, "ENOENT")) return true;
    return false;
  }
}

async function inTurn<T>(items: Iterator<T>, work: (item: T) => Promise<void>): Promise<void> {
  const one = async (): Promise<void> => {
    for (let next = items.next(); !next.done; next = items.next()) await work(next.value);
  };
  const all = await Promise.allSettled(Array.from({ length: AT_ONCE }, one));
  for (const outcome of all) if (outcome.status === "rejected") throw outcome.reason;
}
