import { readBlob } from "../../client/blobs.ts";
import { type Connection, scopeOf } from "../../client/connection.ts";
import { getManifest } from "../../client/manifests.ts";
import type { Digest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import { DOCKER_SCHEMA1_SIGNED, isFirstFormat } from "../../oci/media-types.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { FactsCache } from "./facts-cache.ts";
import { isSignedFirstFormat } from "./first-format.ts";
import { type ManifestFacts, type SizedBlob, configTime, manifestFacts } from "./manifest-facts.ts";

/** Bytes. */
const LARGEST_CONFIG = 4 * 1024 * 1024;

/** What a manifest says, with the time that its config says. */
export interface DatedFacts extends ManifestFacts {
  readonly createdAt: number | null;
}

export interface FactsReading {
  readonly connection: Connection;
  readonly cache: FactsCache;
  /** Whether anybody wants to know when images were built. */
  readonly created: boolean;
}

/**
 * Reads what never changes of a manifest, from the cache as far as it knows it. A string: why it cannot be
 * understood; null: the registry has no such manifest. Throws REMOTE or CREDENTIALS.
 */
export async function readFacts(
  { connection, cache, created }: FactsReading,
  name: RepositoryName,
  digest: Digest,
): Promise<DatedFacts | string | null> {
  const facts = await manifestOf(connection, cache, name, digest);
  if (!created || facts === null || typeof facts === "string" || !facts.config) return facts;
  const createdAt = await configTimeOf(connection, cache, name, facts.config);
  return { ...facts, createdAt: createdAt ?? facts.createdAt };
}

async function manifestOf(
  connection: Connection,
  cache: FactsCache,
  name: RepositoryName,
  digest: Digest,
): Promise<ManifestFacts | string | null> {
  const known = cache.find(name, "manifest", digest);
  // What comes from the cache was written by this function, and its checksum was right.
  if (known) return known as ManifestFacts;
  const manifest = await ifThere(getManifest(connection, name, digest));
  if (!manifest) return null;
  const { bytes, mediaType } = manifest;
  if (mediaType === DOCKER_SCHEMA1_SIGNED && !isSignedFirstFormat(bytes, digest)) {
    return `the manifest's bytes are not those of its digest`;
  }
  const read = manifestFacts(bytes);
  if (typeof read === "string") return read;
  const facts = isFirstFormat(read.mediaType) ? await measured(connection, name, read) : read;
  cache.keep(name, "manifest", digest, facts);
  return facts;
}

/** Null also where the config is not there: the image is broken then, but nothing that is kept depends on it. */
async function configTimeOf(
  connection: Connection,
  cache: FactsCache,
  name: RepositoryName,
  config: SizedBlob,
): Promise<number | null> {
  const known = cache.find(name, "config", config.digest) as { createdAt: number | null } | null;
  if (known) return known.createdAt;
  // A larger one is no config: nobody reads it for its date.
  if (config.size > LARGEST_CONFIG) return null;
  const bytes = await ifThere(readBlob(connection, name, config, LARGEST_CONFIG));
  if (!bytes) return null;
  const createdAt = configTime(bytes);
  cache.keep(name, "config", config.digest, { createdAt });
  return createdAt;
}

/** Docker's first format does not say how large its layers are: the registry does. */
async function measured(
  connection: Connection,
  name: RepositoryName,
  facts: ManifestFacts,
): Promise<ManifestFacts> {
  const blobs: SizedBlob[] = [];
  for (const { digest } of facts.blobs) {
    const path = `/v2/${name}/blobs/${digest}`;
    const reply = await connection.ask({ method: "HEAD", path, scope: scopeOf(name, "pull") });
    const length = Number(reply.header("content-length") ?? "0");
    await reply.discard();
    const known = reply.status === 200 && Number.isSafeInteger(length) && length > 0;
    blobs.push({ digest, size: known ? length : 0 });
  }
  return { ...facts, blobs };
}

/** Null for what the registry says is not there. */
export async function ifThere<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    const kind = error instanceof RegistryError ? error.kind : null;
    if (kind === "MANIFEST_UNKNOWN" || kind === "BLOB_UNKNOWN" || kind === "NAME_UNKNOWN")
      return null;
    throw error;
  }
}
