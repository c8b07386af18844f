import type { Tag } from "../oci/reference.ts";
import { AskedRule } from "./asked-rule.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Images } from "./facts.ts";
import { Judgements } from "./judgements.ts";

/**
 * Asks all rules about all images. Pure.
 *
 * Rules of `newest` count what their own conditions select, deleted or not: so a second run counts the
 * same. Those `of: doomed` come last and know nothing of each other: each counts what delete rules take
 * and no other keep rule keeps, so their order does not matter either.
 */
export function judgeImages(
  policy: CompiledPolicy,
  images: Images,
  overBudget: ReadonlySet<Tag>,
): Judgements {
  const judgements = new Judgements(policy, images.length);
  const rules = policy.keep.map((rule, number) => new AskedRule(rule, number, judgements));
  const first = rules.filter(({ rule }) => rule.newest?.of !== "doomed");
  for (let index = 0; index < images.length; index++) {
    const facts = images.lend(index);
    if (facts === undefined) continue;
    judgements.ask(index, facts, overBudget);
    for (const rule of first) rule.ask(index, facts);
  }
  for (const rule of first) rule.choose();
  const last = rules.filter((rule) => !first.includes(rule));
  if (last.length === 0) return judgements;
  for (let index = 0; index < images.length; index++) {
    const facts = judgements.isDoomed(index) ? images.lend(index) : undefined;
    if (facts === undefined || facts.tag.immutable === true) continue;
    for (const rule of last) rule.ask(index, facts);
  }
  for (const rule of last) rule.choose();
  return judgements;
}
