import { type BlockingCalls, realDisk } from "./disk.ts";
import { refused } from "./failed-sync.ts";

/**
 * Makes many small files durable at once. Throws FailedSync.
 *
 * An fsync for each link and each folder on the way to it costs about 20 an image; Linux can instead
 * write out the whole file system in one call, and since 5.8 that call reports write errors. Where it
 * is not to be had, each path is synced alone.
 */
export function syncAll(
  root: string,
  files: Iterable<string>,
  folders: Iterable<string>,
  disk: BlockingCalls,
): void {
  if (sync(root, (descriptor) => disk.syncfs(descriptor), disk)) return;
  for (const path of files) syncPath(path, disk);
  for (const path of folders) if (disk.existsSync(path)) syncPath(path, disk);
}

/** Throws FailedSync. */
export function syncPath(path: string, disk: BlockingCalls = realDisk): void {
  sync(path, (descriptor) => disk.fsyncSync(descriptor), disk);
}

function sync<T>(path: string, call: (descriptor: number) => T, disk: BlockingCalls): T {
  const descriptor = disk.openSync(path, "r");
  try {
    return call(descriptor);
  } catch (error) {
    return refused(error);
  } finally {
    disk.closeSync(descriptor);
  }
}
