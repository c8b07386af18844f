import type { RepositoryInventory } from "../inventory/inventory.ts";
import type { CollectPolicy, ReviewItem } from "../metadata/collection.ts";
import type { RetentionReads } from "../metadata/retention-records.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";

/** Images that somebody runs, as the sources in the configuration have listed them a moment ago. */
export interface InUseRoots {
  /** Why not all sources could be read; null: all were. Then nobody knows what is in use, and untagged stays. */
  readonly failure: string | null;
  /** Whether an image names this digest, of a manifest or of a config. */
  has(name: RepositoryName, digest: Digest): boolean;
}

/** Without knowing what is in use no manifest goes. Pure. */
export function withFailure<P extends Pick<CollectPolicy, "untaggedBefore">>(
  policy: P,
  roots: InUseRoots | null,
): P {
  return roots?.failure ? { ...policy, untaggedBefore: null } : policy;
}

/**
 * Digests that are roots, among these and all that hangs above them: what a collection of these may take. An image
 * may be known by its config alone.
 */
export async function rootsAmong(
  items: readonly ReviewItem[],
  roots: InUseRoots | null,
  metadata: Pick<RetentionReads, "lineageOf">,
): Promise<Digest[]> {
  if (!roots) return [];
  const found = new Set<Digest>();
  for (const item of items) {
    if (item.kind !== "manifest") continue;
    for (const { digest, config } of await metadata.lineageOf(item.name, item.digest)) {
      const used = roots.has(item.name, digest) || (config && roots.has(item.name, config));
      if (used) found.add(digest);
    }
  }
  return [...found];
}

/** The same of all of a repository. Pure. */
export function rootsIn({ name, manifests }: RepositoryInventory, roots: InUseRoots): Digest[] {
  return manifests
    .filter(
      ({ digest, references }) =>
        roots.has(name, digest) ||
        references.some((one) => one.role === "config" && roots.has(name, one.digest)),
    )
    .map(({ digest }) => digest);
}
