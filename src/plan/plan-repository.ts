import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import type { RetentionVerdict, TagVerdict } from "../retention/verdict.ts";
import type {
  DeleteManifest,
  KeptTag,
  PlannedAction,
  PlannedRepository,
  RemoveTag,
  RestoreTag,
} from "./prune-plan.ts";

/** A planned repository before its bytes are known. */
export type DraftRepository = Omit<PlannedRepository, "bytes">;

/**
 * What a verdict comes to on a registry. A digest goes only when all of its tags go; of one that stays, the
 * tags go alone (`removesTags`), or are kept where the registry cannot do that. What stays although its removal
 * was cut off is put back first. Tags before manifests, and
 * those in the order of the verdict: parents before children. Pure.
 */
export function planRepository(
  { name, tags, manifests }: RetentionInventory,
  verdict: RetentionVerdict,
  { removesTags, readAt }: { readonly removesTags: boolean; readonly readAt: number },
): DraftRepository {
  const draft = { repository: name, policy: verdict.policy, readAt, tags: tags.length };
  if (verdict.keptWhole !== null) {
    return { ...draft, keptWhole: verdict.keptWhole, actions: [], kept: [], orphaned: [] };
  }
  const going = new Set(verdict.manifests.map(({ digest }) => digest));
  const alone = verdict.tags.filter(
    ({ outcome, digest }) => outcome === "delete" && !going.has(digest),
  );
  const stay = stayingTags(verdict.tags, new Set(alone.map(({ digest }) => digest)));
  const immutable = new Set(tags.filter((one) => one.immutable).map(({ tag }) => tag));
  const removals: RemoveTag[] = [];
  const kept: KeptTag[] = verdict.tags.flatMap(heldOf);
  for (const one of alone) {
    const sharedWith = stay.get(one.digest) ?? [];
    const why = immutable.has(one.tag)
      ? "the registry holds it immutable"
      : removesTags
        ? null
        : cannotGoAlone(sharedWith);
    const { tag, digest, rule, reason } = one;
    if (why === null)
      removals.push({ action: "remove-tag", tag, digest, rule, reason, sharedWith });
    else kept.push({ tag, digest, reason: why });
  }
  const deletions = verdict.manifests.map(
    ({ digest, mediaType, tags: those, rule, reason }): DeleteManifest => ({
      action: "delete-manifest",
      digest,
      mediaType,
      tags: those,
      rule,
      reason,
    }),
  );
  const leaving = new Set([...removals, ...deletions].flatMap(tagsOf));
  const cutOff = new Set(tags.filter((one) => one.placeholder).map(({ tag }) => tag));
  const restored = verdict.tags
    .filter(({ tag }) => cutOff.has(tag) && !leaving.has(tag))
    .map(({ tag, digest, rule, reason }): RestoreTag => {
      const why = `its removal was cut off, and it stays (${reason})`;
      return { action: "restore-tag", tag, digest, rule, reason: why };
    });
  const actions: PlannedAction[] = [...restored, ...removals, ...deletions];
  const orphaned = manifests
    .filter(({ digest, subject }) => subject !== null && going.has(subject) && !going.has(digest))
    .map(({ digest }) => digest);
  return { ...draft, keptWhole: null, actions, kept, orphaned };
}

/** Whether a tag goes of which the manifest stays. Pure. */
export function hasLoneTags({ tags, manifests }: RetentionVerdict): boolean {
  const going = new Set(manifests.map(({ digest }) => digest));
  return tags.some(({ outcome, digest }) => outcome === "delete" && !going.has(digest));
}

/** Which tags actions take. Pure. */
export function tagsOf(action: PlannedAction): readonly Tag[] {
  if (action.action === "restore-tag") return [];
  return action.action === "remove-tag" ? [action.tag] : action.tags;
}

/** How many tags a list of actions takes, and how many manifests a rule names that have none. Pure. */
export function countActions(actions: readonly PlannedAction[]): {
  readonly tags: number;
  readonly manifests: number;
  readonly untagged: number;
} {
  let tags = 0;
  let manifests = 0;
  let untagged = 0;
  for (const action of actions) {
    tags += tagsOf(action).length;
    if (action.action !== "delete-manifest") continue;
    manifests++;
    if (action.tags.length === 0 && action.rule !== null) untagged++;
  }
  return { tags, manifests, untagged };
}

/** Of these digests, the tags that stay. */
function stayingTags(
  tags: readonly TagVerdict[],
  digests: ReadonlySet<Digest>,
): ReadonlyMap<Digest, Tag[]> {
  const stay = new Map<Digest, Tag[]>();
  for (const { outcome, tag, digest } of tags) {
    if (outcome !== "keep" || !digests.has(digest)) continue;
    const those = stay.get(digest);
    if (those) those.push(tag);
    else stay.set(digest, [tag]);
  }
  return stay;
}

/** What a rule lets go and that stays all the same: for want of a time, or because the registry holds it immutable. */
function heldOf({ tag, digest, outcome, rule, reason, doubt }: TagVerdict): KeptTag[] {
  if (outcome !== "keep") return [];
  if (doubt !== null) return [{ tag, digest, reason: doubt }];
  const wouldGo = rule !== null && (rule === "budget" || rule.startsWith("delete."));
  return wouldGo ? [{ tag, digest, reason }] : [];
}

function cannotGoAlone(sharedWith: readonly Tag[]): string {
  const cannot = "the registry cannot remove a tag and leave its manifest";
  if (sharedWith.length === 0) return `${cannot}, which something else needs`;
  const shown = sharedWith.slice(0, 5).join(", ");
  const more = sharedWith.length > 5 ? ` and ${sharedWith.length - 5} more` : "";
  return `${cannot}, which ${shown}${more} ${sharedWith.length === 1 ? "has" : "have"} as well`;
}
