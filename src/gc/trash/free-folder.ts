import type { Metadata } from "../../metadata/metadata.ts";
import { RegistryError } from "../../oci/errors.ts";
import { filesystemStorage } from "../../storage/filesystem.ts";
import type { TreeFiles } from "../../storage/tree-files.ts";
import { runningRegistries } from "../running-registries.ts";
import { lookAtTree } from "../tree-look.ts";
import { putBack } from "../tree-put-back.ts";
import { recoverTrash } from "../tree-recover.ts";
import { type Purged, purgeOldest } from "./purge.ts";

/** How long things stay in the trash of another registry's folder: what `trash.keepFor` is without a configuration. */
export const KEPT_FOR = 24 * 3_600_000;

/** Each look may find what the last one has brought back to need. */
const MOST_LOOKS = 10;

/** Keeps all that there is: what anything in the tree names is needed. */
const NOTHING_GOES = {
  now: 0,
  seenBefore: 0,
  remainsBefore: 0,
  untaggedBefore: null,
  protectedDigests: [],
  waitingUntil: null,
  removeEmpty: false,
};

/**
 * Throws REFUSED when another registry runs on a folder: it may remember blobs that lie in the trash, and take
 * a push that does not send them again. Not before it was stopped, or restarted and the folder looked at
 * once more, is what the trash has really needed by nobody.
 */
export function refuseRunning(folder: string): void {
  const [first] = runningRegistries(folder);
  if (!first) return;
  const reason = `a registry runs on this folder (process ${first.pid}), which may take pushes that need what is in the trash; stop it first`;
  throw new RegistryError("REFUSED", { reason });
}

/**
 * Puts back whatever the trash has of what the tree of another registry needs: since it was removed, somebody
 * may have pushed what names it. To be done before anything in that trash is freed.
 */
export async function putBackNeeded(files: TreeFiles, metadata: Metadata): Promise<void> {
  await recoverTrash(metadata, files, Date.now());
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { missing } = await lookAtTree(files, NOTHING_GOES, { findMissing: true });
    const { blobs, links } = await putBack(missing, files, metadata, { has: () => null });
    if (blobs + links === 0) return;
  }
}

/**
 * Frees what is old in the trash of another registry's folder, which is locked, and in which all that is
 * needed was put back just now. Null, and nothing changes, when a registry runs there.
 */
export async function freeOld(
  files: TreeFiles,
  rows: Metadata,
  now: number,
  keepFor: number = KEPT_FOR,
): Promise<Purged | null> {
  if (runningRegistries(files.root).length > 0) return null;
  const trash = { rows, storage: filesystemStorage(files.root) };
  return await purgeOldest(trash, { isDue: ({ removedAt }) => removedAt <= now - keepFor });
}
