import type { ManifestRecord, Page } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import { type Manifest, parseManifest } from "../oci/manifest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { configPlatform, knownPlatforms } from "../oci/platform.ts";
import type { Reference, Tag } from "../oci/reference.ts";
import { readSmallBlob } from "./blobs.ts";
import { findManifest } from "./manifests.ts";
import type { Paged } from "./pages.ts";
import type { Registry } from "./registry.ts";
import { listTags } from "./tags.ts";

/** A manifest as a person wants to see it. */
export interface Description {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of all that a pull of every platform brings: each blob and manifest once. */
  readonly size: number;
  /** `os/architecture[/variant]`, as far as the index or the config says. */
  readonly platforms: readonly string[];
}

/** A manifest with all tags of the repository that name it. */
export interface ManifestDescription extends Description {
  readonly tags: readonly Tag[];
}

/**
 * A tag with what it names. The other tags of the same manifest are not repeated in each: with thousands
 * on one digest, a page would grow with their square.
 */
export interface TagDescription extends Description {
  readonly tag: Tag;
  /** UTC milliseconds. */
  readonly pushedAt: number;
}

/** Throws MANIFEST_UNKNOWN or NAME_UNKNOWN. */
export async function describeManifest(
  name: RepositoryName,
  reference: Reference,
  registry: Registry,
): Promise<ManifestDescription> {
  const manifest = await findManifest(name, reference, registry);
  return {
    ...(await describe(name, manifest, registry)),
    tags: await registry.metadata.tagsOf(name, manifest.digest),
  };
}

/** Throws NAME_UNKNOWN. A tag that goes away meanwhile is left out. */
export async function describeTags(
  name: RepositoryName,
  page: Page,
  registry: Registry,
): Promise<Paged<TagDescription>> {
  const { items, next } = await listTags(name, page, registry);
  const described = new Map<Digest, Description>();
  const tags: TagDescription[] = [];
  for (const { tag, digest, pushedAt } of items) {
    let description = described.get(digest);
    if (!description) {
      const manifest = await registry.metadata.findManifest(name, digest);
      if (!manifest) continue;
      // The metadata answers at once, so that without this nobody else would get a turn.
      await Bun.sleep(0);
      description = await describe(name, manifest, registry);
      described.set(digest, description);
    }
    tags.push({ tag, pushedAt, ...description });
  }
  return { items: tags, next };
}

async function describe(
  name: RepositoryName,
  manifest: ManifestRecord,
  registry: Registry,
): Promise<Description> {
  const { digest, mediaType } = manifest;
  const parsed = lenient(manifest);
  const sizes = new Map<Digest, number>();
  await addSizes(name, manifest, sizes, registry);
  return {
    digest,
    mediaType,
    size: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    platforms: parsed ? await platforms(name, parsed, registry) : [],
  };
}

/** Visits each manifest once: indexes may nest, and share children. */
async function addSizes(
  name: RepositoryName,
  { digest, bytes }: ManifestRecord,
  sizes: Map<Digest, number>,
  registry: Registry,
): Promise<void> {
  sizes.set(digest, bytes.length);
  for (const reference of await registry.metadata.referencesOf(name, digest)) {
    if (sizes.has(reference.digest)) continue;
    sizes.set(reference.digest, reference.size);
    // An index may have tens of thousands of children, and the metadata answers at once.
    if (sizes.size % 256 === 0) await Bun.sleep(0);
    if (reference.role !== "child") continue;
    const child = await registry.metadata.findManifest(name, reference.digest);
    if (child) await addSizes(name, child, sizes, registry);
  }
}

/** A manifest of a tree that we took over may be one that we would refuse today. */
function lenient({ bytes, mediaType }: ManifestRecord): Manifest | null {
  try {
    return parseManifest(bytes, mediaType);
  } catch {
    return null;
  }
}

async function platforms(
  name: RepositoryName,
  { children, config }: Manifest,
  registry: Registry,
): Promise<string[]> {
  if (!config) return knownPlatforms(children.map(({ platform }) => platform));
  if (config.size > LARGEST_CONFIG) return [];
  // A manifest may name anything, and its bytes may lie here for another repository alone.
  if (!(await registry.metadata.findBlob(name, config.digest))) return [];
  const bytes = await readSmallBlob(config.digest, LARGEST_CONFIG, registry);
  return bytes ? knownPlatforms([configPlatform(bytes)]) : [];
}

/** Bytes; larger configs are none. */
const LARGEST_CONFIG = 4 * 1024 * 1024;
