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
 * Moves the bytes of a blob out of the trash, if the tree has none. Call it while nobody takes them away
 * (`keeping`). They may have gone from here to there since they were looked at, so both places are asked.
 * Throws TRASH_INCOMPLETE when they are in neither.
 */
export async function bringBytes(
  place: TrashPlace,
  { digest, size, row }: LostBlob,
): Promise<void> {
  const there = await place.open(digest);
  if (there?.size === size) return;
  const { storage, rows } = place;
  const newer = await rows.listTrash({ digest, kind: "blob", limit: MOST_COPIES });
  const ids = [row, ...newer.map(({ id }) => id)].filter((id) => id !== null);
  for (const id of ids) {
    if ((await storage.stat(trashPath(id)))?.size !== size) continue;
    await storage.move(trashPath(id), blobPath(digest));
    // Makes it durable, with the next write, that the old name is gone.
    await storage.delete(trashPath(id));
    return;
  }
  throw wentAway(digest);
}

/** What was found a moment ago is gone: somebody deletes while we restore. */
export function wentAway(digest: Digest): RegistryError {
  const reason = `${digest} went away meanwhile`;
  return new RegistryError("TRASH_INCOMPLETE", { reason, digest });
}

/** The trash may have the same bytes several times; more than so many are not looked at. */
export const MOST_COPIES = 20;
