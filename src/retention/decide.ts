import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Tag } from "../oci/reference.ts";
import { overRepositoryBudget } from "./budget.ts";
import type { CompiledPolicy } from "./compile.ts";
import { type DecideContext, Images, type Place } from "./facts.ts";
import { type Follower, followersIn, subjectWords } from "./follow.ts";
import { type Graph, graphOf } from "./graph.ts";
import { judgeImages } from "./judge.ts";
import { doomedManifests, goingWith } from "./manifests.ts";
import { verdictOf } from "./reason.ts";
import type { RetentionVerdict, TagVerdict } from "./verdict.ts";
import { shortDigest } from "./words.ts";

export type { DecideContext } from "./facts.ts";
export { type InUse, NOTHING_IN_USE } from "./in-use.ts";

/** What a run knows beyond one repository. */
export interface RetentionContext extends DecideContext {
  /** Tags of this repository that a budget over all of the policy lets go (`budget.ts`). */
  readonly overBudget?: ReadonlySet<Tag> | undefined;
}

const NO_TAGS: ReadonlySet<Tag> = new Set();

/**
 * Says what of one repository shall go, and of every tag why it stays or goes. Pure; its work grows with
 * the size of the repository (and, within `newest`, by a logarithm).
 *
 * Keep always wins, and what no delete rule names stays; a time that nobody knows keeps. A digest goes only
 * with all of its tags; what it alone needs goes with it, and nothing that stays ever lacks a part. The
 * order of the inventory does not matter, and a second run on the result finds nothing more to do.
 *
 * A budget over one repository is part of it; one over a policy comes in by `overBudget`.
 */
export function decideRetention(
  inventory: RetentionInventory,
  policy: CompiledPolicy | null,
  context: RetentionContext,
): RetentionVerdict {
  const whole = reasonToKeep(inventory, policy, context);
  if (policy === null || whole !== null) return keptWhole(inventory, policy, whole);
  const given = context.overBudget ?? NO_TAGS;
  const verdict = decideOnce(inventory, policy, context, given);
  if (policy.settings.budget?.per !== "repository" || verdict.keptWhole !== null) return verdict;
  const over = overRepositoryBudget(inventory, verdict, policy, context);
  return over.size === 0 ? verdict : decideOnce(inventory, policy, context, over.union(given));
}

function reasonToKeep(
  { unreadable }: RetentionInventory,
  policy: CompiledPolicy | null,
  { inUse }: DecideContext,
): string | null {
  if (policy === null) return null;
  const [first] = unreadable;
  if (first !== undefined) {
    const more = unreadable.length > 1 ? ` (and ${unreadable.length - 1} more)` : "";
    return `${first.path}: ${first.problem}${more}`;
  }
  const failure = policy.sources.length === 0 ? null : inUse.failure(policy.sources);
  if (failure !== null) return `it is not known which images are in use: ${failure}`;
  return null;
}

function keptWhole(
  { name, tags }: RetentionInventory,
  policy: CompiledPolicy | null,
  whole: string | null,
): RetentionVerdict {
  const reason = whole ?? "no policy is about this repository";
  return {
    repository: name,
    policy: policy?.name ?? null,
    keptWhole: whole,
    tags: tags.map(({ tag, digest }) => ({
      tag,
      digest,
      outcome: "keep",
      rule: null,
      reason,
      doubt: null,
    })),
    manifests: [],
  };
}

function decideOnce(
  inventory: RetentionInventory,
  policy: CompiledPolicy,
  context: DecideContext,
  overBudget: ReadonlySet<Tag>,
): RetentionVerdict {
  const { tags, manifests } = inventory;
  const followers = followersIn(tags, manifests);
  const graph = graphOf(inventory, followers);
  const astray = tags[graph.placeOfTag.indexOf(-1)];
  if (astray !== undefined) {
    const reason = `tag ${astray.tag} names ${astray.digest}, which is not here`;
    return keptWhole(inventory, policy, reason);
  }
  const place: Place = {
    inventory,
    context,
    images: tags.length - followers.size,
    partsOf: (manifest) => graph.partsOf(manifest),
  };
  const verdicts = imageVerdicts(policy, place, graph, followers, overBudget);
  for (const [at, verdict] of orphanVerdicts(policy, place, graph, followers))
    verdicts[at] = verdict;

  const going = goingWith(verdicts, policy, place, graph, tags, followers);
  for (const [at, follower] of followers) {
    const { tag, digest, immutable } = tags[at] ?? {};
    if (follower.subject === null || tag === undefined || digest === undefined) continue;
    const goes = going[graph.place(follower.subject)] === 1;
    const subject = `${follower.what} of ${shortDigest(follower.subject)}`;
    verdicts[at] = {
      tag,
      digest,
      outcome: goes && immutable !== true ? "delete" : "keep",
      rule: null,
      reason: goes
        ? immutable === true
          ? `${subject}, which goes; the registry has it as immutable`
          : `${subject}, which goes`
        : `${subject}, which stays`,
      doubt: null,
    };
  }
  return {
    repository: inventory.name,
    policy: policy.name,
    keptWhole: null,
    tags: verdicts as TagVerdict[],
    manifests: doomedManifests(going, verdicts as TagVerdict[], place, graph, policy),
  };
}

/** Of the tags that people make; those of followers are still open. By the index of the tag. */
function imageVerdicts(
  policy: CompiledPolicy,
  place: Place,
  graph: Graph,
  followers: ReadonlyMap<number, Follower>,
  overBudget: ReadonlySet<Tag>,
): (TagVerdict | undefined)[] {
  const { tags } = place.inventory;
  const verdicts = Array.from<TagVerdict | undefined>({ length: tags.length });
  const images = new Images(place, graph, (index) => !followers.has(index));
  const judgements = judgeImages(policy, images, overBudget);
  for (let index = 0; index < tags.length; index++) {
    const facts = judgements.factsOf(index) ?? images.lend(index);
    if (facts === undefined) continue;
    verdicts[index] = verdictOf(judgements.at(index), facts, policy);
  }
  return verdicts;
}

/**
 * Of tags whose subject is not here. It may be in another repository (cosign can keep all signatures in
 * one), or be one that a registry does not list: so they go only where everything is listed, images are
 * in the same repository, and a delete rule names them. They never count among the newest.
 */
function orphanVerdicts(
  policy: CompiledPolicy,
  place: Place,
  graph: Graph,
  followers: ReadonlyMap<number, Follower>,
): [number, TagVerdict][] {
  const { inventory } = place;
  const isOrphan = (index: number): boolean => followers.get(index)?.subject === null;
  const at = [...followers.keys()].filter(isOrphan);
  if (at.length === 0) return [];
  const orphans = new Images(place, graph, isOrphan);
  const surelyGone = inventory.untaggedListed && followers.size < inventory.tags.length;
  const about = { ...policy, keep: policy.keep.filter(({ newest }) => newest === null) };
  const judgements = judgeImages(about, orphans, NO_TAGS);
  return at.flatMap((index): [number, TagVerdict][] => {
    const facts = orphans.lend(index);
    if (facts === undefined) return [];
    const { tag, digest } = facts.tag;
    const verdict = verdictOf(judgements.at(index), facts, policy);
    const what = `${followers.get(index)?.what} of ${subjectWords(tag)}, which is not here`;
    const open = surelyGone
      ? { ...verdict, reason: `${what}; ${verdict.reason}` }
      : {
          outcome: "keep" as const,
          rule: null,
          reason: what,
          doubt: "its subject may be elsewhere",
        };
    return [[index, { tag, digest, ...open }]];
  });
}
