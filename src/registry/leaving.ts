import type { Claim, CollectionReads, CollectionWrites } from "../metadata/collection.ts";
import type { Storage } from "../storage/storage.ts";
import { blobPath, trashPath } from "../storage/tree.ts";

/** What it takes to bring blobs away. */
export interface Bytes {
  readonly metadata: Pick<CollectionReads, "listClaims"> &
    Pick<CollectionWrites, "settle" | "removeTrash">;
  readonly storage: Pick<Storage, "stat" | "move" | "moveAll" | "delete">;
}

/** What became of claims. `bytes`: of those whose files lie in the trash now. */
export interface Left {
  readonly trashed: number;
  readonly bytes: number;
  /** Pushed as manifests meanwhile: they stay. */
  readonly returned: number;
}

/**
 * Moves the files of claimed blobs into the trash, and ends the claims. Whoever calls sees to it that no
 * push brings one of them meanwhile (`Custody`). The rows of the trash are there already: a file that
 * lies there without its row would be nobody's.
 *
 * It may be cut off anywhere and done again: where the bytes are says how far it had come.
 */
export async function takeAway(claims: readonly Claim[], bytes: Bytes): Promise<Left> {
  const left = { trashed: 0, bytes: 0, returned: 0 };
  if (claims.length === 0) return left;
  const { metadata, storage } = bytes;
  const moves = claims.map(({ id, digest }) => ({ from: blobPath(digest), to: trashPath(id) }));
  const moved = await storage.moveAll(moves);
  const settlements = await Promise.all(
    claims.map(async (claim, index) => ({
      ...claim,
      moved: moved[index] === true || (await isInTrash(claim, storage)),
    })),
  );
  const outcomes = await metadata.settle(settlements);
  for (const [index, settlement] of settlements.entries()) {
    if (outcomes[index] === "returned") {
      await bringBack(settlement, bytes);
      left.returned++;
    } else if (settlement.moved) {
      left.trashed++;
      left.bytes += settlement.size;
    }
  }
  return left;
}

/** Ends the claims that a stop, a crash or a failure has left. */
export async function settleClaims(bytes: Bytes): Promise<Left> {
  return await takeAway(await bytes.metadata.listClaims(), bytes);
}

/** Moved before, and perhaps in memory only: moving a file onto itself does nothing but make it durable. */
async function isInTrash({ id }: Claim, storage: Bytes["storage"]): Promise<boolean> {
  const path = trashPath(id);
  if (!(await storage.stat(path))) return false;
  await storage.move(path, path);
  return true;
}

/** The row goes last: as long as it is there, a start finds the file. */
async function bringBack({ id, digest }: Claim, { metadata, storage }: Bytes): Promise<void> {
  const [from, to] = [trashPath(id), blobPath(digest)];
  if (await storage.stat(to)) await storage.delete(from);
  else if (await storage.stat(from)) await storage.move(from, to);
  await metadata.removeTrash([id]);
}
