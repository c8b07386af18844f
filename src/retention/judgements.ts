import type { Tag } from "../oci/reference.ts";
import type { CompiledDelete, CompiledKeep, CompiledPolicy } from "./compile.ts";
import type { TagFacts } from "./facts.ts";
import { deletes } from "./match.ts";

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

/** The judgements of all images, as numbers of rules: there may be a million. By the index of the tag. */
export class Judgements {
  readonly #policy: CompiledPolicy;
  readonly #deletedBy: Int16Array;
  readonly #mightDelete: Int16Array;
  readonly #keptBy: Int16Array;
  readonly #keptInDoubt: Uint8Array;
  readonly #overBudget: Uint8Array;
  /** Of those among the newest: the reason names their group, which is dear to find. */
  #facts: (TagFacts | undefined)[] = [];

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
    if (overBudget.size > 0 && overBudget.has(facts.tag.tag)) this.#overBudget[index] = 1;
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

  /** What was found out about an image before, where that is still known. */
  factsOf(index: number): TagFacts | undefined {
    return this.#facts[index];
  }

  /** Whether what that rule says could change anything: whoever is certain speaks, of those the first; else the first. */
  isOpen(index: number, rule: number, inDoubt: boolean): boolean {
    const by = this.#keptBy[index] ?? NONE;
    if (by === NONE) return true;
    const wasInDoubt = this.#keptInDoubt[index] === 1;
    return wasInDoubt === inDoubt ? rule < by : wasInDoubt;
  }

  keep(index: number, rule: number, inDoubt: boolean): void {
    if (!this.isOpen(index, rule, inDoubt)) return;
    this.#keptBy[index] = rule;
    this.#keptInDoubt[index] = inDoubt ? 1 : 0;
  }

  keepAmongNewest(index: number, rule: number, facts: TagFacts): void {
    if (!this.isOpen(index, rule, false)) return;
    this.keep(index, rule, false);
    if (this.#facts.length === 0) this.#facts = Array.from({ length: this.#keptBy.length });
    this.#facts[index] = facts;
  }
}

const NONE = -1;
