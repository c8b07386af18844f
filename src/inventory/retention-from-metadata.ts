import { allRepositories } from "../metadata/paged.ts";
import type { CollectableManifest } from "../metadata/collection.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { BuildTime, RetentionRecords } from "../metadata/retention-records.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { repositoryPath } from "../storage/tree.ts";
import type { Unreadable } from "./inventory.ts";
import {
  LARGEST_CONFIG,
  blobsByDigest,
  builtAt,
  latestOf,
  partsOf,
  timeOf,
} from "./retention-images.ts";
import type {
  RetentionBlob,
  RetentionInventory,
  RetentionManifest,
} from "./retention-inventory.ts";

/** Where inventories of a registry of ours are read. */
export interface RetentionSource {
  readonly metadata: Pick<
    Metadata,
    "listRepositories" | "retentionRecordsOf" | "builtOf" | "recordBuilt"
  >;
  /** The bytes of a small blob; null: it is not there, or larger than so many bytes. */
  readonly readBlob: (digest: Digest, limit: number) => Promise<Uint8Array | null>;
}

/** `created`: whether somebody needs to know when images were built: their configs are read, once. */
export interface RetentionWish {
  readonly created: boolean;
}

/** What a repository of ours holds, as it was at one moment; null: it is not there. */
export async function retentionFromMetadata(
  name: RepositoryName,
  source: RetentionSource,
  { created }: RetentionWish,
): Promise<RetentionInventory | null> {
  const records = await source.metadata.retentionRecordsOf(name);
  if (!records) return null;
  const built = created ? await buildTimes(records, source) : new Map<Digest, number>();
  return inventoryOf(records, built, created);
}

/** Of all repositories in ASCII order, one after the other; one that goes meanwhile is left out. */
export async function* allRetentionFromMetadata(
  source: RetentionSource,
  wish: RetentionWish,
): AsyncGenerator<RetentionInventory> {
  for await (const name of allRepositories(source.metadata)) {
    const inventory = await retentionFromMetadata(name, source, wish);
    if (inventory) yield inventory;
    // Reading a large one takes a while: others get their turn.
    await new Promise(setImmediate);
  }
}

/** Pure. `built`: by manifest. */
function inventoryOf(
  records: RetentionRecords,
  built: ReadonlyMap<Digest, number>,
  created: boolean,
): RetentionInventory {
  const { name, tags, pulled, createdNotes } = records;
  const here = new Set(records.manifests.map(({ digest }) => digest));
  const blobs = blobsByDigest(records.links);
  const held = {
    isManifest: (digest: Digest): boolean => here.has(digest),
    blobOf: (digest: Digest): RetentionBlob | null => blobs.get(digest) ?? null,
  };
  const parts = records.manifests.map((one) => ({ ...one, ...partsOf(one.references, held) }));
  const pulls = latestOf(parts, (digest) => pulled.get(digest) ?? null);
  const builds = latestOf(parts, (digest) => {
    const note = createdNotes.get(digest);
    return built.get(digest) ?? (created && note !== undefined ? timeOf(note) : null);
  });
  return {
    name,
    tags: tags.map(({ tag, digest, pushedAt }) => ({ tag, digest, pushedAt })),
    manifests: parts.map((one): RetentionManifest => ({
      digest: one.digest,
      mediaType: one.mediaType,
      size: one.size,
      pushedAt: one.pushedAt,
      createdAt: builds.get(one.digest) ?? null,
      pulledAt: pulls.get(one.digest) ?? null,
      untaggedAt: one.untaggedAt,
      subject: one.subject,
      artifactType: one.artifactType,
      children: one.children,
      blobs: one.blobs,
    })),
    untaggedListed: true,
    pullsSince: records.pullsSince,
    unreadable: [...records.unreadable, ...astray(name, records.tags, here)],
  };
}

/** A tag that names what is not here. */
export function astray(
  name: RepositoryName,
  tags: RetentionInventory["tags"],
  here: ReadonlySet<Digest>,
): Unreadable[] {
  return tags
    .filter(({ digest }) => !here.has(digest))
    .map(({ tag, digest }) => ({
      path: repositoryPath(name),
      problem: `tag ${tag} names ${digest}, which is not here`,
    }));
}

/** By manifest, when its image was built, as far as its config says so. What was read is remembered. */
async function buildTimes(
  { manifests }: RetentionRecords,
  { metadata, readBlob }: RetentionSource,
): Promise<ReadonlyMap<Digest, number>> {
  const configs = new Map<Digest, Digest>();
  for (const manifest of manifests) {
    const config = configOf(manifest);
    if (config) configs.set(manifest.digest, config);
  }
  const digests = [...new Set(configs.values())];
  const known = await metadata.builtOf(digests);
  const times = new Map(digests.map((digest, at) => [digest, known[at]]));
  const read: BuildTime[] = [];
  for (const digest of digests.filter((_, at) => known[at] === undefined)) {
    const bytes = await readBlob(digest, LARGEST_CONFIG);
    // Not there, or too large. What comes back later shall be read then.
    const time = bytes && builtAt(bytes);
    times.set(digest, time);
    if (bytes) read.push({ digest, builtAt: time });
  }
  // To be asked again costs no more than time.
  if (read.length > 0) await metadata.recordBuilt(read).catch(() => undefined);
  const found = [...configs].map(([manifest, config]) => [manifest, times.get(config)] as const);
  return new Map(found.filter((one): one is readonly [Digest, number] => one[1] != null));
}

function configOf({ references }: CollectableManifest): Digest | null {
  return references.find(({ role }) => role === "config")?.digest ?? null;
}
