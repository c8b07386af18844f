import type { Tag } from "../oci/reference.ts";
import type { CompiledDelete, CompiledKeep, CompiledPolicy } from "./compile.ts";
import type { TagFacts } from "./facts.ts";
import { deletes, keeps } from "./match.ts";
import { NewestOf } from "./newest.ts";

/** What the rules of a policy say about one image, before anything shared is looked at. */
export interface Judgement {
  /** The first rule that deletes it; null: none does. */
  readonly deletedBy: CompiledDelete | null;
  /** The first that might, if a time were known. */
  readonly mightDelete: CompiledDelete | null;
  /** The rule that keeps it; null: none does. */
  readonly keptBy: CompiledKeep | null;
  /** The keep rule holds for all that is known, and a time that it takes is not. */
  readonly keptInDoubt: boolean;
  readonly overBudget: boolean;
}

interface Draft extends Judgement {
  keptBy: CompiledKeep | null;
  keptInDoubt: boolean;
}

/**
 * Asks all rules about all images; what comes at a place of the one list stands there in the other. Pure.
 *
 * Rules of `newest` count what their own conditions select, deleted or not: so a second run counts the
 * same. Those `of: doomed` come last and know nothing of each other: each counts what delete rules take
 * and no other keep rule keeps, so their order does not matter either.
 */
export function judgeImages(
  policy: CompiledPolicy,
  images: readonly TagFacts[],
  overBudget: ReadonlySet<Tag>,
): readonly Judgement[] {
  const drafts = images.map((facts) => draftOf(policy, facts, overBudget));
  const doomedRules = policy.keep.filter(({ newest }) => newest?.of === "doomed");
  for (const rule of policy.keep) {
    if (rule.newest?.of !== "doomed") apply(rule, images, drafts, () => true);
  }
  if (doomedRules.length === 0) return drafts;
  const doomed = drafts.map(
    ({ deletedBy, keptBy }, at) =>
      deletedBy !== null && keptBy === null && images[at]?.tag.immutable !== true,
  );
  for (const rule of doomedRules) apply(rule, images, drafts, (at) => doomed[at] === true);
  return drafts;
}

function draftOf(policy: CompiledPolicy, facts: TagFacts, overBudget: ReadonlySet<Tag>): Draft {
  let mightDelete: CompiledDelete | null = null;
  let deletedBy: CompiledDelete | null = null;
  for (const rule of policy.delete) {
    const answer = deletes(rule, facts);
    if (answer === null) mightDelete ??= rule;
    if (answer !== true) continue;
    deletedBy = rule;
    break;
  }
  return {
    deletedBy,
    mightDelete,
    keptBy: null,
    keptInDoubt: false,
    overBudget: overBudget.has(facts.tag.tag),
  };
}

function apply(
  rule: CompiledKeep,
  images: readonly TagFacts[],
  drafts: readonly Draft[],
  counts: (at: number) => boolean,
): void {
  const keep = (at: number, inDoubt: boolean): void => {
    const draft = drafts[at];
    // Whoever is certain speaks; else the first.
    if (!draft || (draft.keptBy !== null && (inDoubt || !draft.keptInDoubt))) return;
    draft.keptBy = rule;
    draft.keptInDoubt = inDoubt;
  };
  const newest = rule.newest === null ? null : new NewestOf(rule.newest);
  for (const [index, facts] of images.entries()) {
    if (!counts(index)) continue;
    const answer = keeps(rule, facts);
    if (answer === null) keep(index, true);
    else if (answer && newest === null) keep(index, false);
    else if (answer) newest?.add(index, facts);
  }
  if (newest === null) return;
  const { kept, doubtful } = newest.chosen();
  for (const index of kept) keep(index, false);
  for (const index of doubtful) keep(index, true);
}
