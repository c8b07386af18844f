import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import { blobPath, repositoryPath } from "../storage/tree.ts";
import type { TreeReader } from "./from-tree.ts";
import type { RepositoryInventory } from "./inventory.ts";
import { astray } from "./retention-from-metadata.ts";
import { LARGEST_CONFIG, blobsByDigest, builtAt, latestOf, partsOf } from "./retention-images.ts";
import type {
  RetentionBlob,
  RetentionInventory,
  RetentionManifest,
} from "./retention-inventory.ts";

/** What else is known of a repository than its tree says. */
export interface TreeKnowledge {
  /** Times that are known better; it may be kept whole for a reason. */
  readonly inventory: RepositoryInventory;
  readonly pulled: ReadonlyMap<Digest, number>;
}

/** When the image of a config was built, remembered for as long as the reader lives. */
export type BuiltCache = Map<Digest, number | null>;

/**
 * What a repository in a tree holds, as any registry of the family leaves it; null: it is not there. A tag was
 * pushed when its link was written. Pulls are known only where `knowing` says so. Blocks its thread.
 */
export function retentionFromTree(
  name: RepositoryName,
  reader: TreeReader,
  { created, built }: { readonly created: boolean; readonly built: BuiltCache },
  knowing: TreeKnowledge,
): RetentionInventory | null {
  if (reader.files.entries(repositoryPath(name)) === null) return null;
  const { inventory, pulled } = knowing;
  const here = new Set(inventory.manifests.map(({ digest }) => digest));
  const blobs = blobsByDigest(inventory.links);
  const held = {
    isManifest: (digest: Digest): boolean => here.has(digest),
    blobOf: (digest: Digest): RetentionBlob | null => blobs.get(digest) ?? null,
  };
  const parts = inventory.manifests.map((one) => ({ ...one, ...partsOf(one.references, held) }));
  const pulls = latestOf(parts, (digest) => pulled.get(digest) ?? null);
  const configs = new Map(
    parts.map(({ digest, references }) => [
      digest,
      references.find(({ role }) => role === "config")?.digest ?? null,
    ]),
  );
  const builds = latestOf(parts, (digest) => {
    const config = created ? configs.get(digest) : null;
    return config ? buildTime(config, reader.files, built) : null;
  });
  return {
    name,
    tags: inventory.tags.map(({ tag, digest, pushedAt }) => ({
      tag,
      digest,
      pushedAt: known(pushedAt),
    })),
    manifests: parts.map((one): RetentionManifest => ({
      digest: one.digest,
      mediaType: one.mediaType,
      size: one.size,
      pushedAt: known(one.pushedAt),
      createdAt: builds.get(one.digest) ?? null,
      pulledAt: pulls.get(one.digest) ?? null,
      untaggedAt: one.untaggedAt === null ? null : known(one.untaggedAt),
      subject: one.subject,
      artifactType: one.artifactType,
      children: one.children,
      blobs: one.blobs,
    })),
    untaggedListed: true,
    unreadable: [...inventory.unreadable, ...astray(name, inventory.tags, here)],
  };
}

/** A link that could not be read has no time. */
function known(at: number): number | null {
  return Number.isFinite(at) ? at : null;
}

function buildTime(config: Digest, files: TreeFiles, built: BuiltCache): number | null {
  const remembered = built.get(config);
  if (remembered !== undefined) return remembered;
  let time: number | null = null;
  try {
    const bytes = files.bytes(blobPath(config), LARGEST_CONFIG);
    time = bytes && builtAt(bytes);
  } catch {
    // Too large for a config, or not to be read: nobody knows.
  }
  built.set(config, time);
  return time;
}
