import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Connection, scopeOf } from "./connection.ts";

/**
 * A small blob such as a config; no more is read than its descriptor says. Throws BLOB_UNKNOWN, or REMOTE
 * when the bytes are not those of the digest.
 */
export async function getBlob(
  connection: Connection,
  name: RepositoryName,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const reply = await connection.ask({
    method: "GET",
    path: `/v2/${name}/blobs/${digest}`,
    scope: scopeOf(name, "pull"),
  });
  if (reply.status !== 200) {
    throw await connection.refusal(reply, { about: `${name}@${digest}`, missing: "BLOB_UNKNOWN" });
  }
  const bytes = await reply.read(size);
  if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
  throw new RegistryError("REMOTE", {
    reason: `the bytes of ${name}@${digest} are not those of its digest`,
  });
}
