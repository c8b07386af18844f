import type { CompiledDelete, CompiledKeep, CompiledPolicy, Newest } from "./compile.ts";
import type { Place, TagFacts } from "./facts.ts";
import type { Judgement } from "./judgements.ts";
import { ageWords, clockKey, clockWords, usedAs } from "./match.ts";
import type { TagVerdict } from "./verdict.ts";
import { dateText, durationText, sizeText } from "./words.ts";

/** What becomes of a tag by what the rules said, in the words of its verdict. Pure. */
export function verdictOf(
  { deletedBy, mightDelete, keptBy, keptInDoubt, overBudget }: Judgement,
  facts: TagFacts,
  policy: CompiledPolicy,
): TagVerdict {
  const { tag, digest } = facts.tag;
  if (keptBy !== null) {
    const doubt = keptInDoubt ? keepDoubt(keptBy, facts) : null;
    const reason = keepReason(keptBy, facts);
    return { tag, digest, outcome: "keep", rule: keptBy.name, reason, doubt };
  }
  const going =
    deletedBy !== null
      ? { rule: deletedBy.name, reason: deleteReason(deletedBy, facts) }
      : overBudget
        ? { rule: "budget", reason: budgetReason(policy, facts) }
        : null;
  if (going !== null && facts.tag.immutable === true) {
    const reason = `the registry has it as immutable; else it would go: ${going.reason}`;
    return { tag, digest, outcome: "keep", rule: going.rule, reason, doubt: null };
  }
  if (going !== null) {
    const { rule, reason } = going;
    return { tag, digest, outcome: "delete", rule, reason, doubt: null };
  }
  if (mightDelete === null) {
    return { tag, digest, outcome: "keep", rule: null, reason: UNNAMED, doubt: null };
  }
  const { clock } = mightDelete.settings;
  const doubt = `${mightDelete.name} goes by the time when it was ${clock}, which is not known`;
  return { tag, digest, outcome: "keep", rule: null, reason: "its age is not known", doubt };
}

const UNNAMED = "no delete rule names it";

/** By rule and `clockKey`: there are few of them, and may be very many tags. */
const deleteReasons = new WeakMap<CompiledDelete, Map<number, string>>();

export function deleteReason(rule: CompiledDelete, facts: TagFacts): string {
  const { olderThan, clock } = rule.settings;
  if (olderThan === undefined) return rule.words || EVERY_ONE;
  let known = deleteReasons.get(rule);
  if (known === undefined) deleteReasons.set(rule, (known = new Map()));
  const key = clockKey(clock, facts);
  let reason = known.get(key);
  if (reason === undefined) known.set(key, (reason = and(rule.words, ageWords(rule, facts))));
  return reason;
}

export function keepReason(rule: CompiledKeep, facts: TagFacts): string {
  const { newest, settings } = rule;
  const { pushedWithin, createdWithin, pulledWithin } = settings;
  let text = and(newest === null ? "" : newestWords(newest, facts), rule.words);
  if (settings.tagsAtMost !== undefined) {
    text = and(text, smallWords(settings.tagsAtMost, facts.place));
  }
  if (pushedWithin !== undefined) text = and(text, within("pushed", pushedWithin, facts));
  if (createdWithin !== undefined) text = and(text, within("created", createdWithin, facts));
  if (pulledWithin !== undefined) text = and(text, `pulled within ${durationText(pulledWithin)}`);
  if (settings.inUse !== undefined) {
    text = and(text, `in use (${usedAs(settings, facts) ?? "by its digest"})`);
  }
  return text || EVERY_ONE;
}

/** `a repository of 10 tags at most (it has 7)` */
export function smallWords(most: number, { images }: Pick<Place, "images">): string {
  return `a repository of ${most} tags at most (it has ${images})`;
}

/** `newest 3 by semver of 1.4`, `newest 10 of the doomed by pushed`. */
export function newestWords({ count, order, groupOf, of }: Newest, facts: TagFacts): string {
  const group = facts.group(groupOf);
  const whose = group === "" ? "" : ` of ${group}`;
  return `newest ${count}${of === "doomed" ? " of the doomed" : ""} by ${order}${whose}`;
}

export function budgetReason({ settings: { budget } }: CompiledPolicy, facts: TagFacts): string {
  if (budget === undefined) return "over the budget";
  const time = facts.time(budget.oldest);
  const since = time === null ? "" : ` (${clockWords(budget.oldest, facts)})`;
  const whose = budget.per === "policy" ? " of the policy" : "";
  return `among the oldest beyond the budget${whose} of ${sizeText(budget.size)}${since}`;
}

/** The clock that nobody could read. */
function keepDoubt({ settings, newest }: CompiledKeep, facts: TagFacts): string {
  const { pushedWithin, createdWithin, pulledWithin } = settings;
  if (pushedWithin !== undefined && facts.time("pushed") === null) return unknown("pushed");
  if (createdWithin !== undefined && facts.time("created") === null) return unknown("created");
  if (newest !== null && newest.order !== "natural") {
    const clock = newest.order === "semver" ? "pushed" : newest.order;
    if (facts.time(clock) === null) return unknown(clock);
  }
  return unknown(pulledWithin === undefined ? "pushed" : "pulled");
}

function unknown(clock: string): string {
  return `when it was ${clock} is not known`;
}

function within(clock: "pushed" | "created", duration: number, facts: TagFacts): string {
  const time = facts.time(clock);
  const when = time === null ? "" : ` (${dateText(time)})`;
  return `${clock} within ${durationText(duration)}${when}`;
}

/** Without lists: there may be a million tags. */
function and(text: string, more: string): string {
  if (text === "") return more;
  return more === "" ? text : `${text}, ${more}`;
}

const EVERY_ONE = "every one";
