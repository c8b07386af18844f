import { type Digest, Hasher, algorithmOf } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { StoredObject } from "../../storage/storage.ts";
import { blobPath, trashPath } from "../../storage/tree.ts";
import type { LostBlob, TrashPlace } from "./place.ts";

/** Whether these are the bytes of the digest. They are read once, piece by piece. */
export async function isContent(
  { body }: Pick<StoredObject, "body">,
  digest: Digest,
): Promise<boolean> {
  const hasher = new Hasher(algorithmOf(digest));
  for await (const chunk of body instanceof Blob ? body.stream() : body) hasher.update(chunk);
  return hasher.digest() === digest;
}

/**
 * Brings the bytes of a blob to their place in the tree, durably. Call it while nobody takes them away
 * (`keeping`). Throws TRASH_INCOMPLETE when they are nowhere any more.
 */
export async function bringBytes(
  place: TrashPlace,
  { digest, size, row }: LostBlob,
): Promise<void> {
  const { storage, rows } = place;
  // Also over a file that is there: a push may have put it there a moment ago, not durably yet.
  if (row !== null && (await moveOut(row, digest, size, storage))) return;
  if ((await storage.stat(blobPath(digest)))?.size === size) {
    // For the same reason: moving a file onto itself does nothing but make it durable.
    await storage.move(blobPath(digest), blobPath(digest));
    return;
  }
  // A small one is in the metadata until the tree has followed.
  if ((await place.open(digest))?.size === size) return;
  // A collection has taken it since it was looked at.
  for (const { id } of await rows.listTrash({ digest, kind: "blob", limit: MOST_COPIES })) {
    const stored = await storage.read(trashPath(id));
    if (!stored || !(await isContent(stored, digest))) continue;
    if (await moveOut(id, digest, size, storage)) return;
  }
  throw wentAway(digest);
}

async function moveOut(
  row: number,
  digest: Digest,
  size: number,
  storage: TrashPlace["storage"],
): Promise<boolean> {
  const from = trashPath(row);
  if ((await storage.stat(from))?.size !== size) return false;
  await storage.move(from, blobPath(digest));
  // Makes it durable, with the next write, that the old name is gone; after a power cut it may be there still.
  await storage.delete(from);
  return true;
}

/** What was found a moment ago is gone: somebody deletes while we restore. */
export function wentAway(digest: Digest): RegistryError {
  const reason = `${digest} went away meanwhile`;
  return new RegistryError("TRASH_INCOMPLETE", { reason, digest });
}

/** The trash may have the same bytes several times; more than so many are not looked at. */
export const MOST_COPIES = 20;
