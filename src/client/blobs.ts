import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Connection, scopeOf } from "./connection.ts";
import type { Reply } from "./http/reply.ts";

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
): Promise<Reply> {
  const reply = await connection.ask({
    method,
    path: `/v2/${name}/blobs/${digest}`,
    scope: scopeOf(name, "pull"),
    endless: true,
  });
  if (reply.status === 200) return reply;
  throw await connection.refusal(reply, { about: `${name}@${digest}`, missing: "BLOB_UNKNOWN" });
}
