import type { Who } from "../metadata/event.ts";
import type { BlobRecord } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { ByteRange, StoredObject } from "../storage/storage.ts";
import { blobPath } from "../storage/tree.ts";
import type { Registry } from "./registry.ts";

/**
 * A blob that this repository links, and keeps for the grace from now on (`promises.ts`). Throws
 * BLOB_UNKNOWN, whether or not another repository has it.
 */
export async function findBlob(
  name: RepositoryName,
  digest: Digest,
  registry: Registry,
): Promise<BlobRecord> {
  const blob = await registry.metadata.findBlob(name, digest);
  if (!blob) throw new RegistryError("BLOB_UNKNOWN", { digest });
  const renewing = registry.promises.renew({ kind: "link", name, digest }, blob.seenAt, registry);
  if (renewing && !(await renewing)) throw new RegistryError("BLOB_UNKNOWN", { digest });
  return blob;
}

/**
 * Opens the bytes of a blob that `findBlob` found, whole or in part.
 *
 * Throws BLOB_DAMAGED when the file is gone or has another size: an answer that begins with the recorded
 * length and then breaks off would look to some clients like the whole blob.
 */
export async function openBlob(
  { digest, size }: BlobRecord,
  range: ByteRange | undefined,
  registry: Registry,
): Promise<StoredObject> {
  const stored = await openStored(digest, range, registry, size);
  if (!stored || stored.size !== size) {
    const reason = stored ? `${stored.size} bytes instead of ${size}` : "it is missing";
    throw new RegistryError("BLOB_DAMAGED", { digest, reason });
  }
  return stored;
}

/**
 * Says that a blob is here, to a client that will skip its upload if it is. One whose bytes are lost is
 * BLOB_UNKNOWN to it, so that the upload comes, and heals it.
 */
export async function promiseBlob(blob: BlobRecord, registry: Registry): Promise<void> {
  const stored = await openStored(blob.digest, undefined, registry, blob.size);
  if (stored?.size === blob.size) return;
  throw new RegistryError("BLOB_UNKNOWN", { digest: blob.digest, reason: "its bytes are lost" });
}

/** A blob of at most `limit` bytes, whole; null when it is larger, or its bytes are nowhere. */
export async function readSmallBlob(
  digest: Digest,
  limit: number,
  registry: Registry,
): Promise<Uint8Array | null> {
  const stored = await openStored(digest, undefined, registry);
  // Not the size that a manifest claims: nobody has checked that one.
  if (!stored || stored.size > limit) return null;
  return new Uint8Array(await new Response(stored.body).arrayBuffer());
}

/**
 * The bytes in the tree or, until it has followed, in the metadata; null when they are in neither.
 * They may go from there to here while we look, so the tree is asked twice.
 *
 * `size`, when it is known: what the tree has may be damaged, and a push that heals it be on its way.
 */
async function openStored(
  digest: Digest,
  range: ByteRange | undefined,
  { storage, metadata }: Registry,
  size?: number,
): Promise<StoredObject | null> {
  const path = blobPath(digest);
  const stored = await storage.read(path, range);
  if (stored && (size === undefined || stored.size === size)) return stored;
  const small = await metadata.readContent(digest);
  if (!small) return await storage.read(path, range);
  const body = new Blob([range ? small.subarray(range.start, range.end) : small]);
  return { size: small.length, body };
}

/**
 * Links a blob of another repository, without moving a byte. Null when it is not there: the client then
 * uploads it. `from` null: any repository will do.
 *
 * @see OCI distribution spec 1.1, "Mounting a blob from another repository"
 */
export async function mountBlob(
  name: RepositoryName,
  digest: Digest,
  from: RepositoryName | null,
  by: Who | null,
  registry: Registry,
): Promise<BlobRecord | null> {
  // First of all: whether any other repository has it must not show, not even in time.
  if (from !== null && !(await registry.metadata.findBlob(from, digest))) return null;
  // A link to bytes that are lost would be a false promise; an upload heals them.
  if (!(await openStored(digest, undefined, registry))) return null;
  return await registry.metadata.mountBlob(name, digest, from, registry.now(), by);
}

/**
 * Removes a blob from one repository. Its bytes stay until no repository needs them.
 *
 * Throws BLOB_UNKNOWN, DELETE_DISABLED, or STILL_NEEDED while a manifest of the repository names it.
 *
 * @see OCI distribution spec 1.1, "Deleting Blobs"
 */
export async function removeBlob(
  name: RepositoryName,
  digest: Digest,
  by: Who | null,
  registry: Registry,
): Promise<void> {
  if (!registry.rules.delete) throw new RegistryError("DELETE_DISABLED");
  const { metadata, now } = registry;
  const { removed, neededBy } = await metadata.unlinkBlob(name, digest, now(), by);
  if (neededBy.length > 0) throw new RegistryError("STILL_NEEDED", { digest, neededBy });
  if (!removed) throw new RegistryError("BLOB_UNKNOWN", { digest });
}
