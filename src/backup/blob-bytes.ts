import { readFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { lookAgain } from "../metadata/snapshot.ts";
import { type Digest, Hasher, algorithmOf, digestOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { isCode } from "../storage/folders.ts";
import { blobPath, trashPath } from "../storage/tree.ts";

/** Bytes that are read at a time. */
const PIECE = 256 * 1024;
const SMALL = 64 * 1024;

/** Where the blobs of a set come from. */
export interface BlobPlace {
  /** The data folder. */
  readonly root: string;
  /** Its database, if it has one: it says what a collection has moved away since. */
  readonly database: string;
}

/**
 * The bytes of a blob, which are those of its digest when the last has come. Throws DAMAGE_FOUND, at the
 * latest then; BACKUP_FAILED when it was collected and freed since the snapshot was taken.
 */
export async function* blobBytes(
  place: BlobPlace,
  digest: Digest,
  size: number,
): AsyncGenerator<Uint8Array> {
  const file = await openBlob(place, digest);
  try {
    const { size: found } = await file.stat();
    if (found !== size) throw damagedBlob(digest, `has ${found} bytes instead of ${size}`);
    yield* verified(pieces(file, size), digest, size, (why) => damagedBlob(digest, why));
  } finally {
    await file.close();
  }
}

/**
 * A small blob, whole, read at once: of a hundred thousand of them each call for another thread counts.
 * Null when it is large, or not in its place: then ask for its bytes. Throws DAMAGE_FOUND.
 */
export function smallBlob({ root }: BlobPlace, digest: Digest, size: number): Uint8Array | null {
  if (size > SMALL) return null;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(join(root, blobPath(digest)));
  } catch {
    return null;
  }
  if (bytes.length !== size)
    throw damagedBlob(digest, `has ${bytes.length} bytes instead of ${size}`);
  if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
  throw damagedBlob(digest, "has not the bytes of its digest");
}

/** Passes bytes on, and throws what `wrong` makes when in the end they are not those of the digest. */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  digest: Digest,
  size: number,
  wrong: (why: string) => Error,
): AsyncGenerator<Uint8Array> {
  const hasher = new Hasher(algorithmOf(digest));
  let passed = 0;
  for await (const piece of bytes) {
    hasher.update(piece);
    passed += piece.length;
    yield piece;
  }
  if (passed !== size) throw wrong(`has ${passed} bytes instead of ${size}`);
  if (hasher.digest() !== digest) throw wrong("has not the bytes of its digest");
}

/** `size`: as many bytes as are read, unless the file ends before. */
async function* pieces(file: FileHandle, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0;) {
    // Whoever takes it may keep it: each piece has its own memory.
    const buffer = new Uint8Array(Math.min(left, PIECE));
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return;
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** A file that is in its place when asked once may be in the trash when asked next, and the other way round. */
const LOOKS = 5;

async function openBlob({ root, database }: BlobPlace, digest: Digest): Promise<FileHandle> {
  const path = join(root, blobPath(digest));
  for (let looks = 0; looks < LOOKS; looks++) {
    const file = await openIfThere(path);
    if (file) return file;
    const { trashed } = lookAgain(database, digest);
    const waiting = trashed === null ? null : await openIfThere(join(root, trashPath(trashed)));
    if (waiting) return waiting;
  }
  if (lookAgain(database, digest).needed) throw damagedBlob(digest, "is missing");
  throw new RegistryError("BACKUP_FAILED", {
    reason: `${digest} was collected and freed while the backup ran; run it again`,
  });
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "ENOTDIR")) return null;
    throw error;
  }
}

/** DAMAGE_FOUND about a blob of the registry. */
export function damagedBlob(digest: Digest, why: string): RegistryError {
  return new RegistryError("DAMAGE_FOUND", {
    reason:
      `the blob ${digest} ${why}; no backup was made: \`wharf check\` says which images need it, ` +
      "and --skip-damaged leaves them out",
    digest,
  });
}
