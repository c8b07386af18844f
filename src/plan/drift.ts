import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import { tagsOf } from "./plan-repository.ts";
import type { PlannedRepository } from "./prune-plan.ts";

type Planned = Pick<PlannedRepository, "actions" | "orphaned" | "readAt" | "tags">;

/**
 * Why what was planned for a repository does not fit what is there now; null: it does. What is gone already
 * is no drift, so that a plan can be carried out again after an interruption; nor is what is new and has
 * nothing to do with what goes. Pure.
 */
export function driftOf(
  { actions, orphaned, readAt, tags: all }: Planned,
  { tags, manifests, unreadable }: RetentionInventory,
): string | null {
  const [fault] = unreadable;
  if (fault) return `not all of it can be read any more: ${fault.path}: ${fault.problem}`;

  const planned = new Map<Tag, Digest>();
  const going = new Map<Digest, ReadonlySet<Tag>>();
  for (const action of actions) {
    for (const tag of tagsOf(action)) planned.set(tag, action.digest);
    if (action.action === "delete-manifest") going.set(action.digest, new Set(action.tags));
  }
  let others = 0;
  for (const { tag, digest, pushedAt } of tags) {
    if (!planned.has(tag)) others++;
    const before = planned.get(tag);
    if (before !== undefined && before !== digest) return `${tag} names ${digest} now`;
    if (going.get(digest)?.has(tag) === false) return `${digest} has got the tag ${tag}`;
    // The same image pushed once more: somebody wants it, and it is young again.
    if (before !== undefined && pushedAt !== null && pushedAt > readAt) {
      return `${tag} was pushed again`;
    }
  }
  // Rules that keep the newest of some, or a repository from being emptied, counted on them.
  const lost = all - planned.size - others;
  if (lost > 0) return `of the tags that stay, ${lost} ${lost === 1 ? "is" : "are"} gone`;
  for (const { digest, children, subject, pushedAt } of manifests) {
    if (going.has(digest)) {
      if (pushedAt !== null && pushedAt > readAt) return `${digest} was pushed again`;
      continue;
    }
    const child = children.find((one) => going.has(one));
    if (child !== undefined) return `the index ${digest} needs ${child}`;
    if (subject !== null && going.has(subject) && !orphaned.includes(digest))
      return `${digest} refers to ${subject}`;
  }
  return null;
}
