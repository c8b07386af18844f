import type { Who } from "../metadata/event.ts";
import type { ManifestRecord } from "../metadata/metadata.ts";
import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { parseManifest, requirements } from "../oci/manifest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Reference, type Tag, isDigestReference } from "../oci/reference.ts";
import type { Registry } from "./registry.ts";

/** Throws MANIFEST_UNKNOWN, or NAME_UNKNOWN when the repository is not there at all. */
export async function findManifest(
  name: RepositoryName,
  reference: Reference,
  registry: Registry,
): Promise<ManifestRecord> {
  const manifest = await registry.metadata.findManifest(name, reference);
  if (manifest) return manifest;
  throw await unknown(name, reference, registry);
}

/**
 * The same for a client, who may rely on it: the manifest is kept for the grace from now on
 * (`promises.ts`), and counts as pulled.
 */
export async function promiseManifest(
  name: RepositoryName,
  reference: Reference,
  registry: Registry,
): Promise<ManifestRecord> {
  const manifest = await findManifest(name, reference, registry);
  const { digest, seenAt } = manifest;
  const renewing = registry.promises.renew({ kind: "manifest", name, digest }, seenAt, registry);
  // It went a moment ago; its tag may name another one by now.
  if (renewing && !(await renewing)) return await findManifest(name, reference, registry);
  return manifest;
}

/** Notes that a client has asked for a manifest, if that is use of it (`Rules.pulls`). */
export function notePull(
  name: RepositoryName,
  digest: Digest,
  { method, headers }: Request,
  { pulls, rules, now }: Registry,
): void {
  pulls.note(name, digest, now, () => {
    if (!rules.pulls) return method === "GET";
    return rules.pulls(method, headers.get("user-agent"));
  });
}

/**
 * Stores a manifest exactly as it came, and points the tags at it.
 *
 * Acknowledged only when all that it names is in this repository; a missing subject and foreign layers
 * are excepted (unless the registry is `sparse`). When this resolves, the change is durable.
 *
 * Throws MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN with what is missing, or DIGEST_INVALID when pushed
 * under another digest.
 *
 * @see OCI distribution spec 1.1, "Pushing Manifests"
 */
export async function putManifest(
  push: {
    readonly name: RepositoryName;
    readonly reference: Reference;
    /** More tags for the same manifest. */
    readonly tags: readonly Tag[];
    readonly contentType: string | null;
    readonly bytes: Uint8Array<ArrayBuffer>;
  },
  by: Who | null,
  registry: Registry,
): Promise<{ digest: Digest; subject: Digest | null }> {
  const { name, reference, bytes } = push;
  const byDigest = isDigestReference(reference);
  const digest = digestOf(bytes, byDigest ? algorithmOf(reference) : "sha256");
  if (byDigest && digest !== reference) {
    throw new RegistryError("DIGEST_INVALID", {
      reason: `the manifest has the digest ${digest}`,
      expected: reference,
    });
  }
  const manifest = parseManifest(bytes, push.contentType);
  const subject = manifest.subject?.digest ?? null;
  const record = {
    name,
    digest,
    mediaType: manifest.mediaType,
    bytes,
    subject,
    artifactType: manifest.artifactType,
    annotations: manifest.annotations,
    tags: byDigest ? push.tags : [reference, ...push.tags],
    references: requirements(manifest),
    requireContent: !registry.rules.sparse,
    at: registry.now(),
  };
  const { missing } = await registry.metadata.putManifest(record, by);
  if (missing.length > 0) {
    throw new RegistryError("MANIFEST_BLOB_UNKNOWN", { missing: missing.slice(0, 100) });
  }
  return { digest, subject };
}

/**
 * Removes a manifest and every tag on it; the next GET finds neither.
 *
 * Throws MANIFEST_UNKNOWN, NAME_UNKNOWN, DELETE_DISABLED, or STILL_NEEDED while an index of the
 * repository names it: that image would lose a platform.
 *
 * @see OCI distribution spec 1.1, "Deleting Manifests"
 */
export async function removeManifest(
  name: RepositoryName,
  digest: Digest,
  by: Who | null,
  registry: Registry,
): Promise<void> {
  if (!registry.rules.delete) throw new RegistryError("DELETE_DISABLED");
  const { metadata, now } = registry;
  const { removed, neededBy } = await metadata.removeManifest(name, digest, now(), by);
  if (neededBy.length > 0) throw new RegistryError("STILL_NEEDED", { digest, neededBy });
  if (!removed) throw await unknown(name, digest, registry);
}

/** The right 404: of a manifest, or of the whole repository. */
export async function unknown(
  name: RepositoryName,
  reference: Reference,
  { metadata }: Registry,
): Promise<RegistryError> {
  return (await metadata.hasRepository(name))
    ? new RegistryError("MANIFEST_UNKNOWN", { reason: `${name} has no ${reference}` })
    : new RegistryError("NAME_UNKNOWN", { reason: name });
}
