import type {
  Claim,
  CollectionReads,
  CollectionWrites,
  Settlement,
} from "../metadata/collection.ts";
import type { Storage } from "../storage/storage.ts";
import { blobPath, trashPath } from "../storage/tree.ts";

/** What it takes to bring blobs away. */
export interface Bytes {
  readonly metadata: Pick<CollectionReads, "listClaims"> &
    Pick<CollectionWrites, "settle" | "removeTrash" | "doom">;
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
  const { storage } = bytes;
  const moves = claims.map(({ id, digest }) => ({ from: blobPath(digest), to: trashPath(id) }));
  const moved = await storage.moveAll(moves);
  const settlements = await Promise.all(
    claims.map(async (claim, index) => ({
      ...claim,
      moved: moved[index] === true || (await isInTrash(claim, storage)),
    })),
  );
  await end(settlements, bytes, left);
  return left;
}

/**
 * Ends the claims that a stop, a crash or a failure has left, by looking where the bytes are. Nothing is
 * taken away: what lies in its place may be wanted by a link that another registry has written while we
 * were down, and that nobody has read yet. It is doomed anew, and goes with a later claim if it still is.
 */
export async function settleClaims(bytes: Bytes, at: number): Promise<Left> {
  const { metadata, storage } = bytes;
  const claims = await metadata.listClaims();
  const left = { trashed: 0, bytes: 0, returned: 0 };
  if (claims.length === 0) return left;
  const found = await Promise.all(
    claims.map(async (claim) => ({
      ...claim,
      moved: await isInTrash(claim, storage),
      inPlace: (await storage.stat(blobPath(claim.digest))) !== null,
    })),
  );
  await end(found, bytes, left);
  const doomed = found.filter(({ inPlace }) => inPlace);
  if (doomed.length > 0) {
    await metadata.doom(
      doomed.map(({ digest, size }) => ({ digest, size })),
      at,
    );
  }
  return left;
}

async function end(
  settlements: readonly Settlement[],
  bytes: Bytes,
  left: { trashed: number; bytes: number; returned: number },
): Promise<void> {
  const outcomes = await bytes.metadata.settle(
    settlements.map(({ id, digest, size, moved }) => ({ id, digest, size, moved })),
  );
  for (const [index, settlement] of settlements.entries()) {
    if (outcomes[index] === "returned") {
      await bringBack(settlement, bytes);
      left.returned++;
    } else if (settlement.moved) {
      left.trashed++;
      left.bytes += settlement.size;
    }
  }
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
