import type { ConditionExplanation, Explanation, RuleExplanation } from "./explain.ts";
import { dateText } from "./words.ts";

/** An explanation for people: what happens, why, each rule in a line, and what would have to change. Pure. */
export function explanationLines(explanation: Explanation): readonly string[] {
  const { rules } = explanation;
  return [decision(explanation), ...rules.map(ruleLine), ...changes(explanation)];
}

/** `team/app:v1 goes by delete.0: older than 14d (pushed 2026-01-02).` */
export function decision(explanation: Explanation): string {
  const { repository, verdict, policy, keptWhole } = explanation;
  const image = `${repository}:${verdict.tag}`;
  if (policy === null) return `${image} stays: ${verdict.reason}.`;
  if (keptWhole !== null) return `${image} stays, as all of its repository does: ${keptWhole}.`;
  const by = verdict.rule === null ? `policy ${policy}` : `${verdict.rule} of policy ${policy}`;
  const doubt = verdict.doubt === null ? "" : ` In doubt it is kept: ${verdict.doubt}.`;
  const verb = verdict.outcome === "keep" ? "stays" : "goes";
  return `${image} ${verb} by ${by}: ${verdict.reason}.${doubt}`;
}

/** `delete.0 does not hold: matches pr-* (no), older than 14d (pushed 2026-01-02) (yes).` */
export function ruleLine({ rule, holds, conditions }: RuleExplanation): string {
  const all = conditions.map((one) => `${one.text}: ${yesNo(one.holds)}`).join("; ");
  return `${rule} ${holds === null ? "may hold" : holds ? "holds" : "does not hold"}: ${all}.`;
}

/** What would turn it round, one sentence each. */
export function changes(explanation: Explanation): readonly string[] {
  const { verdict, rules, policy, keptWhole, follows, immutable, sharedWith } = explanation;
  if (policy === null) return ["It could go if a policy named its repository."];
  if (keptWhole !== null) return ["It could go if all of its repository could be read."];
  if (follows && rules.length === 0) return ["It follows its subject: it stays and goes with it."];
  const deleting = rules.filter(({ kind }) => kind === "delete");
  const keeping = rules.filter(({ kind }) => kind === "keep");
  if (verdict.outcome === "delete") {
    const others =
      sharedWith.length === 0
        ? []
        : [`Its digest stays, because ${sharedWith.join(", ")} has the same.`];
    const means = keeping.map(
      (rule) => `It would stay by ${rule.rule} if it were ${missing(rule)}.`,
    );
    return [...others, ...(means.length > 0 ? means : ["It would stay if a keep rule named it."])];
  }
  if (immutable && deleting.some(({ holds }) => holds === true)) {
    return ["It would go if the registry did not have it as immutable."];
  }
  const keepers = keeping.filter(({ holds }) => holds !== false).map(({ rule }) => rule);
  if (deleting.some(({ holds }) => holds === true) && keepers.length > 0) {
    return [`It would go without ${keepers.join(" and ")}.`];
  }
  const also = keepers.length > 0 ? `, and ${keepers.join(" and ")} did not keep it` : "";
  const ways = deleting.map(
    (rule) => `It would go by ${rule.rule} if it were ${missing(rule)}${also}.`,
  );
  return ways.length > 0 ? ways : ["It could only go by the budget."];
}

/** The conditions that do not hold, and when they will. */
function missing({ conditions }: RuleExplanation): string {
  const open = conditions.filter(({ holds }) => holds !== true);
  return open.map(conditionAs).join(" and ");
}

/** `older than 14d (pushed 2026-05-20), as it will be from 2026-06-03 on`. */
function conditionAs({ text, holds, turnsAt }: ConditionExplanation): string {
  const words = text
    .replace(/^matches /, "one that matches ")
    .replace(/^does not match /, "one that does not match ")
    .replace(/^is /, "")
    .replace(/^newest /, "among the newest ");
  const when =
    turnsAt === null || holds !== false ? "" : `, as it will be after ${dateText(turnsAt)}`;
  return `${words}${holds === null ? ", which nobody knows" : ""}${when}`;
}

function yesNo(holds: boolean | null): string {
  return holds === null ? "unknown" : holds ? "yes" : "no";
}
