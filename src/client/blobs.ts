import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Connection, scopeOf } from "./connection.ts";
import type { Reply } from "./http/reply.ts";

/** What a manifest says of a blob. */
export interface Expected {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * A small blob, such as an image's config, whole: exactly what the manifest that names it says it is. No
 * more is read than that, and nothing that is larger than `limit` bytes. Throws as `openBlob`.
 */
export async function readBlob(
  connection: Connection,
  name: RepositoryName,
  { digest, size }: Expected,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (size > limit) throw unlike(name, digest, `are ${size} bytes, which is more than it is worth`);
  const reply = await ask(connection, "GET", name, digest, { endless: false });
  const bytes = await reply.read(size);
  if (bytes.length !== size) throw unlike(name, digest, `are not as many as its manifest says`);
  if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
  throw unlike(name, digest, "are not those of its digest");
}

/**
 * The bytes of a blob as they come, of any length. Whoever reads them compares the digest: nothing here
 * does. Throws BLOB_UNKNOWN, NAME_UNKNOWN, CREDENTIALS or REMOTE; also in the middle.
 */
export async function openBlob(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
): Promise<AsyncIterable<Uint8Array>> {
  return (await ask(connection, "GET", name, digest)).chunks();
}

/** Whether a repository of another registry says that it has a blob. Throws as `openBlob`. */
export async function hasBlob(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
): Promise<void> {
  await (await ask(connection, "HEAD", name, digest)).discard();
}

async function ask(
  connection: Connection,
  method: "GET" | "HEAD",
  name: RepositoryName,
  digest: Digest,
  { endless }: { readonly endless: boolean } = { endless: true },
): Promise<Reply> {
  const reply = await connection.ask({
    method,
    path: `/v2/${name}/blobs/${digest}`,
    scope: scopeOf(name, "pull"),
    ...(endless && { endless }),
  });
  if (reply.status === 200) return reply;
  throw await connection.refusal(reply, { about: `${name}@${digest}`, missing: "BLOB_UNKNOWN" });
}

function unlike(name: RepositoryName, digest: Digest, how: string): RegistryError {
  return new RegistryError("REMOTE", { reason: `the bytes of ${name}@${digest} ${how}` });
}
