import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { type Manifest, parseManifest, requirements } from "../oci/manifest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { configPlatform, knownPlatforms } from "../oci/platform.ts";
import { readBlob } from "./blobs.ts";
import type { Connection } from "./connection.ts";
import type { Content } from "./description.ts";
import { type RemoteManifest, getManifest } from "./manifests.ts";

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
  if (!config) return knownPlatforms(children.map(({ platform }) => platform));
  if (config.size > LARGEST_CONFIG) return [];
  const bytes = await ifThere(readBlob(connection, name, config, LARGEST_CONFIG));
  return bytes ? knownPlatforms([configPlatform(bytes)]) : [];
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
