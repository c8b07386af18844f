import { type Digest, type DigestAlgorithm, Hasher, algorithmOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { BlobRecord } from "../metadata/metadata.ts";
import type { ObjectWriter } from "../storage/storage.ts";
import { blobPath, uploadPath } from "../storage/tree.ts";
import type { Registry } from "./registry.ts";
import type { UploadSession } from "./upload-sessions.ts";
import { type Announced, admit } from "./upload-state.ts";

/** Bytes as they arrive. It throws when the client goes away. */
export type Bytes = AsyncIterable<Uint8Array> | null;

/**
 * Appends one chunk to an upload.
 *
 * When the client goes away in the middle, the bytes that came are kept: it can ask for the offset and
 * go on. When the chunk is not what it was announced to be, or the disk fails, the upload is back where
 * it was before.
 *
 * @see OCI distribution spec 1.1, "Pushing a blob in chunks"
 */
export async function appendChunk(
  session: UploadSession,
  bytes: Bytes,
  announced: Announced,
  registry: Registry,
): Promise<void> {
  await registry.uploads.exclusively(session, registry.now(), async () => {
    const writer = await receive(session, bytes, announced, registry);
    await writer.close();
  });
}

/**
 * Completes an upload, with or without a last chunk, and links the blob in its repository.
 *
 * When this resolves the blob is durable: its bytes and its folders were synced before the transaction
 * that makes it known. Throws DIGEST_INVALID when the bytes are others than the digest says; the upload
 * is gone then, because no continuation could make it right.
 *
 * @see OCI distribution spec 1.1, "Pushing a blob monolithically"
 */
export async function finishUpload(
  session: UploadSession,
  digest: Digest,
  bytes: Bytes,
  announced: Announced,
  registry: Registry,
): Promise<BlobRecord> {
  return await registry.uploads.exclusively(session, registry.now(), async () => {
    if (session.offset === 0) session.hasher = new Hasher(algorithmOf(digest));
    const writer = await receive(session, bytes, announced, registry);
    try {
      await writer.sync();
    } finally {
      await writer.close();
    }
    await checkDigest(session, digest, registry);
    const blob = { digest, size: session.offset };
    await registry.storage.move(uploadPath(session.id), blobPath(digest));
    // From here on there is nothing to resume, even if the next transaction fails.
    await registry.uploads.finished(session);
    await registry.metadata.linkBlob(session.name, blob, registry.now());
    return blob;
  });
}

/** Gives up an upload and its bytes. */
export async function cancelUpload(session: UploadSession, registry: Registry): Promise<void> {
  await registry.uploads.exclusively(session, registry.now(), async () => {
    await registry.uploads.discard(session);
  });
}

/** The returned writer is open, and the caller's to close. */
async function receive(
  session: UploadSession,
  bytes: Bytes,
  announced: Announced,
  { storage }: Registry,
): Promise<ObjectWriter> {
  const expected = admit(session.offset, announced);
  const hasher = session.hasher ?? (await rehash(session, "sha256", storage));
  const before = { offset: session.offset, hasher: hasher.copy() };
  const writer = await storage.append(uploadPath(session.id), session.offset);
  let received = 0;
  let gone = false;
  try {
    for await (const chunk of heeding(bytes, () => (gone = true))) {
      received += chunk.length;
      if (expected !== null && received > expected) throw wrongLength(received, expected);
      hasher.update(chunk);
      const room = writer.write(chunk);
      if (room) await room;
    }
    if (expected !== null && received !== expected) throw wrongLength(received, expected);
    session.offset += received;
    session.hasher = hasher;
    return writer;
  } catch (error) {
    const kept = await writer.close().then(
      () => gone,
      () => false,
    );
    session.offset = kept ? before.offset + received : before.offset;
    session.hasher = kept ? hasher : before.hasher;
    throw error;
  }
}

/** Passes the chunks on, and says when it was the source that failed. */
async function* heeding(bytes: Bytes, lost: () => void): AsyncIterable<Uint8Array> {
  if (!bytes) return;
  const source = bytes[Symbol.asyncIterator]();
  while (true) {
    const next = await source.next().catch((error: unknown) => {
      lost();
      throw error;
    });
    if (next.done) return;
    yield next.value;
  }
}

function wrongLength(received: number, expected: number): RegistryError {
  const reason =
    received > expected
      ? `more than the ${expected} bytes announced came`
      : `${received} bytes came, ${expected} were announced`;
  return new RegistryError("SIZE_INVALID", { reason });
}

async function checkDigest(
  session: UploadSession,
  digest: Digest,
  registry: Registry,
): Promise<void> {
  let { hasher } = session;
  if (hasher?.algorithm !== algorithmOf(digest)) {
    // The client named the algorithm only now: the bytes are read once more.
    hasher = await rehash(session, algorithmOf(digest), registry.storage);
  }
  const actual = hasher.digest();
  if (actual === digest) return;
  await registry.uploads.discard(session);
  throw new RegistryError("DIGEST_INVALID", {
    reason: `the ${session.offset} bytes received have the digest ${actual}`,
    expected: digest,
    actual,
  });
}

async function rehash(
  session: UploadSession,
  algorithm: DigestAlgorithm,
  storage: Registry["storage"],
): Promise<Hasher> {
  const hasher = new Hasher(algorithm);
  if (session.offset === 0) return hasher;
  const stored = await storage.read(uploadPath(session.id), { start: 0, end: session.offset });
  if (!stored || stored.size < session.offset) throw new RegistryError("UPLOAD_INVALID", { reason: "its bytes are lost" });
  const body = stored.body instanceof Blob ? stored.body.stream() : stored.body;
  for await (const chunk of body) hasher.update(chunk);
  return hasher;
}
