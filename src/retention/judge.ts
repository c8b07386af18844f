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

/** The judgements of all images, as numbers of rules: there may be a million. */
export class Judgements {
  readonly #policy: CompiledPolicy;
  readonly #deletedBy: Int16Array;
  readonly #mightDelete: Int16Array;
  readonly #keptBy: Int16Array;
  readonly #keptInDoubt: Uint8Array;
  readonly #overBudget: Uint8Array;

  constructor(policy: CompiledPolicy, size: number) {
    this.#policy = policy;
    this.#deletedBy = new Int16Array(size).fill(NONE);
    this.#mightDelete = new Int16Array(size).fill(NONE);
    this.#keptBy = new Int16Array(size).fill(NONE);
    this.#keptInDoubt = new Uint8Array(size);
    this.#overBudget = new Uint8Array(size);
  }

  at(index: number): Judgement {
    const { delete: deleting, keep } = this.#policy;
    return {
      deletedBy: deleting[this.#deletedBy[index] ?? NONE] ?? null,
      mightDelete: deleting[this.#mightDelete[index] ?? NONE] ?? null,
      keptBy: keep[this.#keptBy[index] ?? NONE] ?? null,
      keptInDoubt: this.#keptInDoubt[index] === 1,
      overBudget: this.#overBudget[index] === 1,
    };
  }

  /** Whether delete rules take it, and no keep rule holds it so far. */
  isDoomed(index: number): boolean {
    return this.#deletedBy[index] !== NONE && this.#keptBy[index] === NONE;
  }

  ask(index: number, facts: TagFacts, overBudget: ReadonlySet<Tag>): void {
    if (overBudget.has(facts.tag.tag)) this.#overBudget[index] = 1;
    const rules = this.#policy.delete;
    for (let number = 0; number < rules.length; number++) {
      const rule = rules[number];
      const answer = rule === undefined ? false : deletes(rule, facts);
      if (answer === null && this.#mightDelete[index] === NONE) this.#mightDelete[index] = number;
      if (answer !== true) continue;
      this.#deletedBy[index] = number;
      return;
    }
  }

  /** Whoever is certain speaks; else the first. */
  keep(index: number, rule: number, inDoubt: boolean): void {
    const isOpen = this.#keptBy[index] === NONE;
    if (!isOpen && (inDoubt || this.#keptInDoubt[index] === 0)) return;
    this.#keptBy[index] = rule;
    this.#keptInDoubt[index] = inDoubt ? 1 : 0;
  }
}

const NONE = -1;

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
): Judgements {
  const judgements = new Judgements(policy, images.length);
  for (const [index, facts] of images.entries()) judgements.ask(index, facts, overBudget);
  const ofDoomed = policy.keep.filter(({ newest }) => newest?.of === "doomed");
  for (const [number, rule] of policy.keep.entries()) {
    if (!ofDoomed.includes(rule)) apply(rule, number, images, judgements, null);
  }
  if (ofDoomed.length === 0) return judgements;
  const doomed = Uint8Array.from(images, ({ tag }, index) =>
    judgements.isDoomed(index) && tag.immutable !== true ? 1 : 0,
  );
  for (const rule of ofDoomed) {
    apply(rule, policy.keep.indexOf(rule), images, judgements, doomed);
  }
  return judgements;
}

/** `among`: the only images that the rule counts; null: it counts all. */
function apply(
  rule: CompiledKeep,
  number: number,
  images: readonly TagFacts[],
  judgements: Judgements,
  among: Uint8Array | null,
): void {
  const newest = rule.newest === null ? null : new NewestOf(rule.newest);
  for (let index = 0; index < images.length; index++) {
    const facts = images[index];
    if (facts === undefined || (among !== null && among[index] !== 1)) continue;
    const answer = keeps(rule, facts);
    if (answer === null) judgements.keep(index, number, true);
    else if (answer && newest === null) judgements.keep(index, number, false);
    else if (answer) newest?.add(index, facts);
  }
  if (newest === null) return;
  const { kept, doubtful } = newest.chosen();
  for (const index of kept) judgements.keep(index, number, false);
  for (const index of doubtful) judgements.keep(index, number, true);
}
