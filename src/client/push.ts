import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Reference } from "../oci/reference.ts";
import { type Connection, scopeOf } from "./connection.ts";
import type { Reply } from "./http/reply.ts";
import { imageText } from "./image.ts";

/** Bytes that are sent in one request: each can be sent again, and is held that long. */
const PIECE = 4 * 1024 * 1024;
const BYTES = { "content-type": "application/octet-stream" };

/** Whether a repository has a blob. */
export async function hasBlob(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  const path = `/v2/${name}/blobs/${digest}`;
  const reply = await connection.ask({ method: "HEAD", path, scope: scopeOf(name, "push") });
  if (reply.status !== 200 && reply.status !== 404)
    throw await refused(connection, reply, name, digest);
  await reply.discard();
  return reply.status === 200;
}

/** Links a blob that another repository of the registry has. False: it has to be pushed. */
export async function mountBlob(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
  from: RepositoryName,
): Promise<boolean> {
  const reply = await start(connection, name, `?mount=${digest}&from=${encodeURIComponent(from)}`);
  if (reply.status !== 201 && reply.status !== 202)
    throw await refused(connection, reply, name, digest);
  await reply.discard();
  if (reply.status === 201) return true;
  // It began an upload instead, which nobody will finish.
  const path = await location(connection, reply, name);
  const cancelled = await connection.ask({ method: "DELETE", path, scope: scopeOf(name, "push") });
  await cancelled.discard();
  return false;
}

/**
 * Pushes a blob in pieces: at most two of them are in memory, and none is sent that was not waited for.
 * Throws REMOTE, REFUSED or CREDENTIALS; what `bytes` throws ends it too, and no blob comes into being.
 */
export async function pushBlob(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const began = await start(connection, name, "");
  if (began.status !== 202) throw await refused(connection, began, name, digest);
  await began.discard();
  let path = await location(connection, began, name);
  let at = 0;
  let last: Uint8Array<ArrayBuffer> | null = null;
  for await (const piece of inPieces(bytes)) {
    // The last piece travels with the request that ends the upload.
    if (last) {
      path = await patch(connection, name, path, last, at);
      at += last.length;
    }
    last = piece;
  }
  const end = `${path}${path.includes("?") ? "&" : "?"}digest=${digest}`;
  const range = at > 0 && last ? { "content-range": `${at}-${at + last.length - 1}` } : {};
  const done = await connection.ask({
    method: "PUT",
    path: end,
    scope: scopeOf(name, "push"),
    content: last ?? new Uint8Array(),
    headers: { ...BYTES, ...range },
  });
  if (done.status !== 201) throw await refused(connection, done, name, digest);
  await done.discard();
}

/** Throws REMOTE, REFUSED or CREDENTIALS. */
export async function putManifest(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
  mediaType: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const reply = await connection.ask({
    method: "PUT",
    path: `/v2/${name}/manifests/${reference}`,
    scope: scopeOf(name, "push"),
    content: bytes,
    headers: { "content-type": mediaType },
  });
  if (reply.status !== 201) throw await refused(connection, reply, name, reference);
  await reply.discard();
}

async function start(connection: Connection, name: RepositoryName, query: string): Promise<Reply> {
  const path = `/v2/${name}/blobs/uploads/${query}`;
  return await connection.ask({ method: "POST", path, scope: scopeOf(name, "push") });
}

async function patch(
  connection: Connection,
  name: RepositoryName,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  at: number,
): Promise<string> {
  const reply = await connection.ask({
    method: "PATCH",
    path,
    scope: scopeOf(name, "push"),
    content: body,
    headers: { ...BYTES, "content-range": `${at}-${at + body.length - 1}` },
  });
  if (reply.status !== 202) {
    throw await connection.refusal(reply, {
      about: `an upload to ${name}`,
      missing: "UPLOAD_UNKNOWN",
    });
  }
  await reply.discard();
  return await location(connection, reply, name);
}

/** Where an upload goes on. Another host would get the bytes, and perhaps our credentials: it is refused. */
async function location(connection: Connection, reply: Reply, name: string): Promise<string> {
  const { origin } = connection.address;
  const said = reply.header("location") ?? "";
  // Nothing at all would be the address that began it, and begin it again.
  const url = said === "" ? null : URL.parse(said, reply.url.href);
  if (url?.host === new URL(origin).host && url.pathname.startsWith("/v2/")) {
    return `${url.pathname}${url.search}`;
  }
  const reason = `${origin} wants the bytes of an upload to ${name} at no address of its own`;
  throw new RegistryError("REMOTE", { reason });
}

async function refused(
  connection: Connection,
  reply: Reply,
  name: RepositoryName,
  reference: Reference,
): Promise<RegistryError> {
  const about = imageText(name, reference);
  return await connection.refusal(reply, { about, missing: "NAME_UNKNOWN" });
}

/** The same bytes, in pieces of one size but for the last. */
async function* inPieces(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let piece = new Uint8Array(PIECE);
  let filled = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + PIECE - filled);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < PIECE) continue;
      yield piece;
      piece = new Uint8Array(PIECE);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
