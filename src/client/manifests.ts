import { type Digest, algorithmOf, digestOf, isDigest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { DOCKER_SCHEMA1_SIGNED, MANIFEST_TYPES } from "../oci/media-types.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Reference, isDigestReference } from "../oci/reference.ts";
import { type Connection, scopeOf } from "./connection.ts";
import type { Subject } from "./http/refusal.ts";
import type { Reply } from "./http/reply.ts";
import { fateOf } from "./http/unreachable.ts";
import { imageText } from "./image.ts";

/** A manifest of another registry, as it came. */
export interface RemoteManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Bytes: what our own registry takes. The spec asks every registry for at least 4 MiB; a keeper that could not
 * read what another took would have to leave that repository alone for ever.
 */
const LARGEST = 8 * 1024 * 1024;
const ACCEPT = [...MANIFEST_TYPES, "*/*;q=0.1"].join(", ");

/** Throws MANIFEST_UNKNOWN, NAME_UNKNOWN, or REMOTE when the bytes are not those of the digest. */
export async function getManifest(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
): Promise<RemoteManifest> {
  const reply = await ask(connection, "GET", name, reference);
  const mediaType = reply.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (mediaType === "text/html") {
    await reply.discard();
    const { origin } = connection.address;
    const reason = `${origin} sends a web page for ${imageText(name, reference)}`;
    throw new RegistryError("REMOTE", { reason });
  }
  const named = isDigestReference(reference) ? reference : announced(reply);
  const bytes = await reply.read(LARGEST);
  const digest = digestOf(bytes, named ? algorithmOf(named) : "sha256");
  // The digest of a signed schema 1 manifest leaves its signatures out: it can only be believed.
  if (named && mediaType === DOCKER_SCHEMA1_SIGNED) return { digest: named, mediaType, bytes };
  if (named === null || named === digest) return { digest, mediaType, bytes };
  throw new RegistryError("REMOTE", {
    reason: `${connection.address.origin} sends a manifest for ${imageText(name, reference)} that has not the digest ${named}`,
  });
}

/** What a tag or digest names now. Throws MANIFEST_UNKNOWN or NAME_UNKNOWN. */
export async function resolveDigest(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
): Promise<Digest> {
  const reply = await ask(connection, "HEAD", name, reference);
  await reply.discard();
  return announced(reply) ?? (await getManifest(connection, name, reference)).digest;
}

/** How often a delete is repeated of which nobody knows whether it was done. */
const MOST_LOOKS = 3;

/**
 * Deletes a tag, or a manifest with every tag on it: exactly what is named. Throws MANIFEST_UNKNOWN,
 * REFUSED, or REMOTE; `status` and `code` in the error's detail are the registry's.
 *
 * Where the answer does not say whether it was done, the registry is asked whether it is still there. A
 * digest names the same for ever and is deleted again; a tag may have been pushed anew meanwhile, so
 * whoever asked has to decide again.
 */
export async function deleteManifest(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
): Promise<void> {
  for (let looks = 0; ; looks++) {
    try {
      await deleteOnce(connection, name, reference);
      return;
    } catch (error) {
      // The first answer is the registry's word; later ones are about what an earlier try has done.
      if (looks > 0 && isGone(error)) return;
      if (!isDoubtful(error) || looks === MOST_LOOKS) throw error;
      if (!(await isThere(connection, name, reference, error))) return;
      if (!isDigestReference(reference)) throw error;
    }
  }
}

async function deleteOnce(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
): Promise<void> {
  const reply = await connection.ask({
    method: "DELETE",
    path: `/v2/${name}/manifests/${reference}`,
    scope: scopeOf(name, "delete"),
  });
  if (reply.status < 200 || reply.status > 299) {
    throw await connection.refusal(reply, subject(name, reference));
  }
  await reply.discard();
}

/** Throws `doubt`, not what looking ends with: the delete is what went wrong. */
async function isThere(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
  doubt: unknown,
): Promise<boolean> {
  try {
    await (await ask(connection, "HEAD", name, reference)).discard();
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw doubt;
  }
}

/** No answer, or one of somebody who may have passed the request on. */
function isDoubtful(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  const { status } = error.detail;
  return fateOf(error) === "unknown" || (typeof status === "number" && status >= 500);
}

function isGone(error: unknown): boolean {
  return error instanceof RegistryError && error.kind === "MANIFEST_UNKNOWN";
}

async function ask(
  connection: Connection,
  method: "GET" | "HEAD",
  name: RepositoryName,
  reference: Reference,
): Promise<Reply> {
  const reply = await connection.ask({
    method,
    path: `/v2/${name}/manifests/${reference}`,
    scope: scopeOf(name, "pull"),
    accept: ACCEPT,
  });
  if (reply.status === 200) return reply;
  throw await connection.refusal(reply, subject(name, reference));
}

function announced(reply: Reply): Digest | null {
  const digest = reply.header("docker-content-digest") ?? "";
  return isDigest(digest) ? digest : null;
}

function subject(name: RepositoryName, reference: Reference): Subject {
  return { about: imageText(name, reference), missing: "MANIFEST_UNKNOWN" };
}
