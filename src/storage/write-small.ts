import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { type BlockingCalls, realDisk } from "./disk.ts";
import { isCode } from "./folders.ts";
import type { SmallObject } from "./storage.ts";
import { syncAll } from "./sync-filesystem.ts";

/** Not the process id: in a container that is the same in every life, and leftovers would be in the way. */
const thisThread = randomBytes(6).toString("hex");
let counter = 0;

const OPEN_TRIES = 5;

/**
 * Writes links and manifests: each to a temporary name, renamed into place, all made durable together,
 * and with them the `reduced` folders, which lost entries before.
 *
 * Between a rename and the sync a power cut may leave an empty file under the new name. Syncing each
 * file first would cost what this saves, and whoever calls does it again after a crash, from a journal.
 *
 * It blocks its thread on purpose. A link costs five system calls of some microseconds; handing each to
 * a pool thread would cost more than the call. Whoever must not block runs it in a worker.
 */
export function writeSmall(
  root: string,
  objects: readonly SmallObject[],
  reduced: Iterable<string> = [],
  disk: BlockingCalls = realDisk,
): void {
  const files: string[] = [];
  const folders = new Set<string>();
  for (const { path, bytes } of objects) {
    const target = `${root}/${path}`;
    writeOne(target, bytes, disk);
    files.push(target);
    for (let up = dirname(target); !folders.has(up); up = dirname(up)) {
      folders.add(up);
      if (up === root) break;
    }
  }
  // Not before: one of these may itself be new, and the ones that lead to it then, too.
  for (const folder of reduced) folders.add(folder);
  if (folders.size > 0) syncAll(root, files, folders, disk);
}

function writeOne(target: string, bytes: Uint8Array, disk: BlockingCalls): void {
  // Hidden and unlike any name of the layout: a leftover is recognised and harms no reader.
  const temporary = join(dirname(target), `.wharfinger-${thisThread}-${counter++}`);
  const descriptor = openNew(temporary, disk);
  try {
    try {
      for (let at = 0; at < bytes.length;) at += disk.writeSync(descriptor, bytes, at);
    } finally {
      disk.closeSync(descriptor);
    }
    disk.renameSync(temporary, target);
  } catch (error) {
    // On a full disk every leftover would make it worse.
    disk.rmSync(temporary);
    throw error;
  }
}

function openNew(path: string, disk: BlockingCalls): number {
  for (let tries = 1; ; tries++) {
    try {
      return disk.openSync(path, "wx");
    } catch (error) {
      // More than once: an empty folder may be tidied away in between.
      if (!isCode(error, "ENOENT") || tries === OPEN_TRIES) throw error;
      disk.mkdirSync(dirname(path));
    }
  }
}
