import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { PruneTarget } from "./prune-target.ts";

/** Signatures of signatures of signatures: nobody goes deeper in earnest. */
const DEEPEST = 8;

/**
 * An inventory together with the referrers of what goes, which most registries list only for those who ask.
 * `going` says what goes of an inventory; it is asked again with what was found, until nothing more goes
 * along. Throws as the target does: then nothing may be decided.
 */
export async function withReferrers(
  target: Pick<PruneTarget, "referrersOf">,
  inventory: RetentionInventory,
  going: (inventory: RetentionInventory) => readonly Digest[],
): Promise<RetentionInventory> {
  let whole = inventory;
  const asked = new Set<Digest>();
  for (let depth = 0; depth < DEEPEST && target.referrersOf; depth++) {
    const more = going(whole).filter((digest) => !asked.has(digest));
    if (more.length === 0) break;
    for (const digest of more) asked.add(digest);
    const known = new Set(whole.manifests.map(({ digest }) => digest));
    const found = await target.referrersOf(inventory.name, more);
    const fresh = found.filter(({ digest }) => !known.has(digest));
    if (fresh.length === 0) break;
    whole = { ...whole, manifests: [...whole.manifests, ...fresh] };
  }
  return whole;
}
