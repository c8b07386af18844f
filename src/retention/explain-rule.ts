import {
  type CompiledDelete,
  type CompiledKeep,
  type Newest,
  compileConditions,
} from "./compile.ts";
import { pulledSince } from "./clock.ts";
import type { Images, TagFacts } from "./facts.ts";
import { type Answer, clockWords, isSmall, keeps, usedAs } from "./match.ts";
import { hasRank } from "./order.ts";
import type { TagConditions } from "./policy.ts";
import { newestWords, smallWords } from "./reason.ts";
import type { RuleName } from "./verdict.ts";
import { durationText } from "./words.ts";

/** One rule, asked about one tag. */
export interface RuleExplanation {
  readonly rule: RuleName;
  readonly kind: "delete" | "keep";
  /** Null: it turns on a time that nobody knows; such a rule keeps, and does not delete. */
  readonly holds: Answer;
  readonly conditions: readonly ConditionExplanation[];
}

export interface ConditionExplanation {
  /** In words, with what is found: `older than 14d (pushed 2026-01-02)`. */
  readonly text: string;
  readonly holds: Answer;
  /** When the answer turns into its opposite by itself, in UTC milliseconds; null: it does not, or nobody knows. */
  readonly turnsAt: number | null;
}

export function explainDelete(rule: CompiledDelete, facts: TagFacts): RuleExplanation {
  const conditions = nameConditions(rule.settings, facts);
  const { olderThan, clock } = rule.settings;
  if (olderThan !== undefined) {
    const time = facts.time(clock);
    const turnsAt = time === null ? null : time + olderThan;
    const isOld = turnsAt === null ? null : facts.place.context.now > turnsAt;
    conditions.push({
      text: `older than ${durationText(olderThan)} (${clockWords(clock, facts)})`,
      holds: isOld,
      turnsAt: isOld === false ? turnsAt : null,
    });
  }
  return { rule: rule.name, kind: "delete", holds: every(conditions), conditions };
}

/** `images` are all that rules are about, this tag is the one at `at`; `isDoomed` of those that other rules let go. */
export function explainKeep(
  rule: CompiledKeep,
  facts: TagFacts,
  images: Images,
  isDoomed: (at: number) => boolean,
  at: number,
): RuleExplanation {
  const { settings, newest } = rule;
  const conditions = nameConditions(settings, facts);
  for (const clock of ["pushed", "created"] as const) {
    const within = settings[`${clock}Within`];
    if (within === undefined) continue;
    const time = facts.time(clock);
    const turnsAt = time === null ? null : time + within;
    const isYoung = turnsAt === null ? null : facts.place.context.now <= turnsAt;
    conditions.push({
      text: `${clock} within ${durationText(within)} (${clockWords(clock, facts)})`,
      holds: isYoung,
      turnsAt: isYoung === true ? turnsAt : null,
    });
  }
  if (settings.tagsAtMost !== undefined) {
    const text = smallWords(settings.tagsAtMost, facts.place);
    conditions.push({ text, holds: isSmall(settings, facts.place), turnsAt: null });
  }
  if (settings.pulledWithin !== undefined) conditions.push(pulled(settings.pulledWithin, facts));
  if (settings.inUse !== undefined) {
    const used = usedAs(settings, facts);
    const by = used === null ? `by ${settings.inUse.join(", ")}` : `as ${used}`;
    conditions.push({ text: `in use ${by}`, holds: used !== null, turnsAt: null });
  }
  if (newest !== null) {
    const counts = newest.of === "selected" ? () => true : isDoomed;
    const members: TagFacts[] = [];
    for (let i = 0; i < images.length; i++) {
      const one = i !== at && counts(i) ? images.at(i) : undefined;
      if (one !== undefined && keeps(rule, one) === true) members.push(one);
    }
    conditions.push(among(newest, facts, members, counts(at)));
  }
  return { rule: rule.name, kind: "keep", holds: every(conditions), conditions };
}

function nameConditions(settings: TagConditions, facts: TagFacts): ConditionExplanation[] {
  const { tags, except, version, semver } = settings;
  return [{ tags }, { except }, { version }, { semver }].flatMap((one) => {
    const { words, selects } = compileConditions(one);
    return words === "" ? [] : [{ text: words, holds: selects(facts), turnsAt: null }];
  });
}

function pulled(within: number, facts: TagFacts): ConditionExplanation {
  const { inventory, context } = facts.place;
  const { manifest } = facts;
  const holds = pulledSince(context.now - within, manifest, inventory, context.now);
  const when = manifest.pulledAt === null ? "no pull is known" : clockWords("pulled", facts);
  return {
    text: `pulled within ${durationText(within)} (${when})`,
    holds,
    turnsAt: holds === true && manifest.pulledAt !== null ? manifest.pulledAt + within : null,
  };
}

/** Its place among those that the rule counts; `members` are the others. */
function among(
  newest: Newest,
  facts: TagFacts,
  members: readonly TagFacts[],
  counts: boolean,
): ConditionExplanation {
  const words = newestWords(newest, facts);
  if (!counts) return { text: `${words} (it is none of them)`, holds: false, turnsAt: null };
  if (!hasRank(newest.order, facts))
    return { text: `${words} (its time is unknown)`, holds: null, turnsAt: null };
  const group = newest.groupOf(facts);
  const others = members.filter((one) => newest.groupOf(one) === group);
  const before = others.filter(
    (one) => hasRank(newest.order, one) && newest.compare(one, facts) < 0,
  );
  const place = before.length + 1;
  return {
    text: `${words} (it is number ${place} of ${others.length + 1})`,
    holds: place <= newest.count,
    turnsAt: null,
  };
}

function every(conditions: readonly ConditionExplanation[]): Answer {
  if (conditions.some(({ holds }) => holds === false)) return false;
  return conditions.some(({ holds }) => holds === null) ? null : true;
}
