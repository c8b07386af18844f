import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { type Descriptor, type Manifest, parseManifest, requirements } from "../oci/manifest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { getSmallBlob } from "./blobs.ts";
import type { Connection } from "./connection.ts";
import type { Content } from "./description.ts";
import { type RemoteManifest, getManifest } from "./manifests.ts";
import { isRecord } from "./record.ts";

/** Manifests below one index that are read; an index with more has no size that is worth the requests. */
const MOST_MANIFESTS = 1000;
/** Bytes; larger configs are none. */
const LARGEST_CONFIG = 4 * 1024 * 1024;

/** What a manifest says of itself and what lies below it. A manifest that nobody can read has no size. */
export async function contentOf(
  connection: Connection,
  name: RepositoryName,
  manifest: RemoteManifest,
): Promise<Content> {
  const { digest, mediaType } = manifest;
  const parsed = lenient(manifest);
  if (!parsed) return { digest, mediaType, size: null, platforms: [] };
  return {
    digest,
    mediaType,
    size: await sizeOf(connection, name, manifest, parsed),
    platforms: await platformsOf(connection, name, parsed),
  };
}

/** Counts as our own registry does: each digest once, foreign layers not at all. */
async function sizeOf(
  connection: Connection,
  name: RepositoryName,
  root: RemoteManifest,
  parsed: Manifest,
): Promise<number | null> {
  const sizes = new Map<Digest, number>([[root.digest, root.bytes.length]]);
  const waiting: Manifest[] = [parsed];
  let read = 0;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const { digest, size, manifest } of requirements(next)) {
      if (sizes.has(digest)) continue;
      sizes.set(digest, size);
      if (!manifest) continue;
      if (++read > MOST_MANIFESTS) return null;
      const child = await ifThere(getManifest(connection, name, digest));
      const document = child && lenient(child);
      if (document) waiting.push(document);
    }
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function platformsOf(
  connection: Connection,
  name: RepositoryName,
  { children, config }: Manifest,
): Promise<string[]> {
  const named = config
    ? [await configPlatform(connection, name, config)]
    : children.map(({ platform }) => platform);
  // Attestations stand in an index as a platform that nobody has.
  const known = named.filter((one) => one !== undefined).filter((one) => one !== "unknown/unknown");
  return [...new Set(known)];
}

async function configPlatform(
  connection: Connection,
  name: RepositoryName,
  config: Descriptor,
): Promise<string | undefined> {
  if (config.size > LARGEST_CONFIG) return undefined;
  const bytes = await ifThere(getSmallBlob(connection, name, config));
  if (!bytes) return undefined;
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const { os, architecture, variant } = isRecord(document) ? document : {};
    if (typeof os !== "string" || typeof architecture !== "string") return undefined;
    return [os, architecture, variant].filter((part) => typeof part === "string" && part).join("/");
  } catch {
    return undefined;
  }
}

/** Null when the registry holds only a part of the image. */
async function ifThere<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    const kind = error instanceof RegistryError ? error.kind : null;
    if (kind === "MANIFEST_UNKNOWN" || kind === "BLOB_UNKNOWN") return null;
    throw error;
  }
}

/** Registries hold manifests that we would not take. */
function lenient({ bytes, mediaType }: RemoteManifest): Manifest | null {
  try {
    return parseManifest(bytes, mediaType);
  } catch {
    return null;
  }
}
