import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { PruneTarget } from "./prune-target.ts";

/**
 * An inventory together with what is in use by its digest and no tag leads to, which most registries do not list:
 * an index from which its tag has moved on may share platforms with one that goes. Throws as the target does:
 * then nothing may be decided.
 */
export async function withInUse(
  target: Pick<PruneTarget, "manifestsOf">,
  inventory: RetentionInventory,
  inUse: readonly Digest[],
): Promise<RetentionInventory> {
  if (!target.manifestsOf || inventory.untaggedListed) return inventory;
  const known = new Set(inventory.manifests.map(({ digest }) => digest));
  const missing = inUse.filter((digest) => !known.has(digest));
  if (missing.length === 0) return inventory;
  const found = await target.manifestsOf(inventory.name, missing);
  const fresh = found.filter(({ digest }) => !known.has(digest));
  return { ...inventory, manifests: [...inventory.manifests, ...fresh] };
}
