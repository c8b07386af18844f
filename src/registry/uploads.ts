import { type Digest, type DigestAlgorithm, Hasher, algorithmOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Who } from "../metadata/event.ts";
import type { BlobRecord } from "../metadata/metadata.ts";
import { blobPath } from "../storage/tree.ts";
import type { Registry } from "./registry.ts";
import type { UploadSession } from "./upload-sessions.ts";
import { type Announced, admit } from "./upload-state.ts";

/** Bytes as they arrive. It throws when the client goes away. */
export type Bytes = AsyncIterable<Uint8Array> | null;

/**
 * Appends one chunk to an upload.
 *
 * When the client goes away in the middle, the bytes that came are kept: it can ask for the offset and
 * go on. When the chunk is not what it was announced to be, the upload is back where it was before.
 * When the disk fails, it is given up.
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
    await receive(session, bytes, announced, "written", registry);
  });
}

/**
 * Completes an upload, with or without a last chunk, and links the blob in its repository.
 *
 * When this resolves the blob is durable: its bytes and its folders were synced before the transaction
 * that makes it known, or, of a small one, are part of it. Throws DIGEST_INVALID when the bytes are others than the digest says; the upload
 * is gone then, because no continuation could make it right.
 *
 * @see OCI distribution spec 1.1, "Pushing a blob monolithically"
 */
export async function finishUpload(
  session: UploadSession,
  digest: Digest,
  bytes: Bytes,
  announced: Announced,
  by: Who | null,
  registry: Registry,
): Promise<BlobRecord> {
  return await registry.uploads.exclusively(session, registry.now(), async () => {
    if (session.offset === 0) session.hasher = new Hasher(algorithmOf(digest));
    await receive(session, bytes, announced, "durable", registry);
    await checkDigest(session, digest, registry);
    const blob = { digest, size: session.offset };
    const small = session.bytes.held;
    return await registry.custody.coming(digest, async () => {
      // Its record goes before its name: were both there after a power cut, resuming would write into a blob.
      await registry.uploads.finished(session);
      if (small === null) await moveIntoPlace(session, blobPath(digest), registry);
      await registry.metadata.linkBlob(session.name, blob, registry.now(), small, by);
      return blob;
    });
  });
}

/** Gives up an upload and its bytes. */
export async function cancelUpload(session: UploadSession, registry: Registry): Promise<void> {
  await registry.uploads.exclusively(session, registry.now(), async () => {
    await registry.uploads.discard(session);
  });
}

/** Takes in one chunk; the session knows of it only when the disk has it. */
async function receive(
  session: UploadSession,
  bytes: Bytes,
  announced: Announced,
  until: "written" | "durable",
  { uploads }: Registry,
): Promise<void> {
  const expected = admit(session.offset, announced);
  const hasher = session.hasher ?? (await rehash(session, "sha256"));
  const before = hasher.copy();
  const writer = await session.bytes.append(session.offset);
  let received = 0;
  /** While we wait for the next chunk, a failure is the client's; otherwise it is ours or the chunk's. */
  let waiting = false;
  try {
    const source = bytes?.[Symbol.asyncIterator]();
    while (source) {
      waiting = true;
      const next = await source.next();
      waiting = false;
      if (next.done) break;
      received += next.value.length;
      if (expected !== null && received > expected) throw wrongLength(received, expected);
      hasher.update(next.value);
      const room = writer.write(next.value);
      if (room) await room;
    }
    if (expected !== null && received !== expected) throw wrongLength(received, expected);
    if (until === "durable") await writer.sync();
    await writer.close();
    session.offset += received;
    session.hasher = hasher;
  } catch (error) {
    const written = await writer.close().then(
      () => true,
      () => false,
    );
    if (written && waiting) {
      session.offset += received;
      session.hasher = hasher;
    } else if (written && error instanceof RegistryError) {
      session.hasher = before;
      await cutOff(session);
    } else {
      // The disk has failed. It may have dropped pages of any chunk and count them as written, so that a
      // later sync would succeed without them: no continuation can be trusted.
      await uploads.discard(session);
    }
    throw error;
  } finally {
    uploads.received(received);
  }
}

/** The rename may be done although its sync failed: then there is nothing left to go on with. */
async function moveIntoPlace(
  session: UploadSession,
  path: string,
  { uploads }: Registry,
): Promise<void> {
  try {
    await session.bytes.moveTo(path);
  } catch (error) {
    await uploads.discard(session);
    throw error;
  }
}

/** Takes back the bytes of a refused chunk: after a restart the size of the file is the offset. */
async function cutOff(session: UploadSession): Promise<void> {
  try {
    const writer = await session.bytes.append(session.offset);
    await writer.close();
  } catch {
    // The disk has failed, and its error is on its way to the client; the next append cuts them off.
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
    hasher = await rehash(session, algorithmOf(digest));
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

async function rehash(session: UploadSession, algorithm: DigestAlgorithm): Promise<Hasher> {
  const hasher = new Hasher(algorithm);
  if (session.offset === 0) return hasher;
  await session.bytes.renew(session.offset);
  const bytes = await session.bytes.read(session.offset);
  if (!bytes) throw new RegistryError("UPLOAD_INVALID", { reason: "its bytes are lost" });
  for await (const chunk of bytes) hasher.update(chunk);
  return hasher;
}
