import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { RetentionVerdict } from "../retention/verdict.ts";
import type { PruneTarget } from "./prune-target.ts";

/** Signatures of signatures of signatures: nobody goes deeper in earnest. */
const DEEPEST = 8;

/**
 * Decides about a repository together with the referrers of what goes, which registries elsewhere list for
 * nobody who does not ask. `decide` is asked again with those, until nothing more goes along.
 */
export async function decideWithReferrers(
  target: Pick<PruneTarget, "referrersOf">,
  inventory: RetentionInventory,
  decide: (inventory: RetentionInventory) => RetentionVerdict,
): Promise<{ readonly inventory: RetentionInventory; readonly verdict: RetentionVerdict }> {
  let whole = inventory;
  let verdict = decide(whole);
  const asked = new Set<Digest>();
  for (let depth = 0; depth < DEEPEST && target.referrersOf; depth++) {
    const going = verdict.manifests.map(({ digest }) => digest).filter((one) => !asked.has(one));
    if (going.length === 0) break;
    for (const digest of going) asked.add(digest);
    const known = new Set(whole.manifests.map(({ digest }) => digest));
    const found = await target.referrersOf(inventory.name, going);
    const more = found.filter(({ digest }) => !known.has(digest));
    if (more.length === 0) break;
    whole = { ...whole, manifests: [...whole.manifests, ...more] };
    verdict = decide(whole);
  }
  return { inventory: whole, verdict };
}
