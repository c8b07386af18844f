import { allUnlinked } from "../metadata/paged.ts";
import type { BlobRecord } from "../metadata/metadata.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { BLOBS, blobPath, trashPath } from "../storage/tree.ts";
import { type RunParts, goOn, policyOf } from "./collect-run.ts";
import type { RunReport } from "./run-report.ts";

/**
 * What the queue cannot know of: it is looked for in a run that somebody asks for, at the cost of a look
 * at every file in `blobs/`. Others get their turn after each folder.
 */

const AT_ONCE = 200;

/** Dooms what nobody links: blobs that are known, and files that lie in the tree without being known. */
export async function doomOrphans(id: number, parts: RunParts): Promise<void> {
  const { metadata } = parts.registry;
  // Which of them it needs, nobody knows.
  if ((await metadata.findHiding()) !== null) return;
  const doom = async (blobs: readonly BlobRecord[]): Promise<void> => {
    if (blobs.length === 0) return;
    goOn(parts);
    await parts.pace.take(blobs.length);
    await metadata.doom(blobs, parts.registry.now());
  };
  // They never had a link in the life of the tables, or lost it to another program.
  if (parts.waitingUntil === null) {
    for await (const unlinked of allUnlinked(metadata)) await doom(unlinked);
  }
  for await (const digests of storedDigests(parts)) {
    await doom(await strangers(digests, id, parts));
    await new Promise(setImmediate);
  }
}

/** Files that no row speaks of: of another registry, or of a crash between a rename and its transaction. */
async function strangers(
  digests: readonly Digest[],
  id: number,
  parts: RunParts,
): Promise<BlobRecord[]> {
  const { metadata, storage } = parts.registry;
  const standing = await metadata.standingOf(digests);
  const { seenBefore } = policyOf(id, parts);
  const found: BlobRecord[] = [];
  for (const digest of digests.filter((_, index) => standing[index] === "unknown")) {
    const file = await storage.stat(blobPath(digest));
    if (!file || file.modifiedAt >= seenBefore) continue;
    if (parts.waitingUntil !== null && file.modifiedAt <= parts.waitingUntil) continue;
    found.push({ digest, size: file.size });
  }
  return found;
}

/** Folder by folder of the tree. */
async function* storedDigests({ registry: { storage } }: RunParts): AsyncGenerator<Digest[]> {
  for await (const { name: algorithm, kind } of storage.list(BLOBS)) {
    if (kind !== "folder") continue;
    for await (const { name: prefix } of storage.list(`${BLOBS}/${algorithm}`)) {
      const folders = await Array.fromAsync(storage.list(`${BLOBS}/${algorithm}/${prefix}`));
      const digests = folders.map(({ name }) => `${algorithm}:${name}`).filter(isDigest);
      for (let at = 0; at < digests.length; at += AT_ONCE) yield digests.slice(at, at + AT_ONCE);
    }
  }
}

/**
 * Brings back what lies in the trash and is needed again: another registry may have linked it while we
 * were down, or somebody may have put an older database into its place.
 */
export async function restoreNeeded(parts: RunParts, report: RunReport): Promise<void> {
  const { metadata, storage, custody } = parts.registry;
  for (let before: number | undefined; ;) {
    goOn(parts);
    const rows = await metadata.listTrash({
      kind: "blob",
      limit: AT_ONCE,
      ...(before !== undefined && { before }),
    });
    const standing = await metadata.standingOf(rows.map(({ digest }) => digest));
    const needed = rows.filter((_, index) => standing[index] === "needed");
    for (const { id, digest } of needed) {
      await custody.coming(digest, async () => {
        if (await storage.stat(blobPath(digest))) return;
        // Small ones are in the tables until the tree has them.
        if ((await metadata.readContent(digest)) || !(await storage.stat(trashPath(id)))) return;
        await storage.move(trashPath(id), blobPath(digest));
        await metadata.removeTrash([id]);
        report.restored++;
      });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < AT_ONCE) return;
    before = last.id;
    await new Promise(setImmediate);
  }
}
