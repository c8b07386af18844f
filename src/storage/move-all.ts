import { dirname } from "node:path";
import type { Disk } from "./disk.ts";
import { type Folders, isCode } from "./folders.ts";
import type { Move } from "./storage.ts";

/** So many calls of one batch wait in the pool of threads at a time: the others there are clients'. */
const AT_ONCE = 4;

/**
 * Renames a batch of files, and syncs the folders that gained them, each once. Paths are absolute.
 *
 * For the file systems that we run on a rename is one change: durable in the new folder, it is so in the
 * old one. One that keeps them apart could show a file under both names after a power cut, never under
 * none. Syncing the old folders, too, which are as many as the files, would take a hundred times as long.
 */
export async function moveAll(
  moves: readonly Move[],
  folders: Folders,
  disk: Disk,
): Promise<boolean[]> {
  const gained = new Set(moves.map(({ to }) => dirname(to)));
  for (const folder of gained) await folders.ensure(folder);
  const moved: boolean[] = [];
  await inTurn(moves.entries(), async ([index, move]) => {
    moved[index] = await rename(move, folders, disk);
    if (moved[index]) await tidy(dirname(move.from), disk);
  });
  for (const folder of gained) await folders.sync(folder);
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

async function tidy(folder: string, disk: Disk): Promise<void> {
  // Somebody else's file may be in it: then it stays, as it does when it cannot be removed.
  await disk.rmdir(folder).catch(() => undefined);
}

async function inTurn<T>(items: Iterator<T>, work: (item: T) => Promise<void>): Promise<void> {
  const one = async (): Promise<void> => {
    for (let next = items.next(); !next.done; next = items.next()) await work(next.value);
  };
  const all = await Promise.allSettled(Array.from({ length: AT_ONCE }, one));
  for (const outcome of all) if (outcome.status === "rejected") throw outcome.reason;
}
