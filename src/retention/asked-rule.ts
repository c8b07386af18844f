import type { CompiledKeep } from "./compile.ts";
import type { TagFacts } from "./facts.ts";
import type { Judgements } from "./judgements.ts";
import { keeps } from "./match.ts";
import { NewestOf } from "./newest.ts";

/** A keep rule while it is asked about one image after the other. */
export class AskedRule {
  readonly #newest: NewestOf | null;

  constructor(
    readonly rule: CompiledKeep,
    readonly number: number,
    readonly judgements: Judgements,
  ) {
    this.#newest = rule.newest === null ? null : new NewestOf(rule.newest);
  }

  ask(index: number, facts: TagFacts): void {
    const { number, judgements } = this;
    const newest = this.#newest;
    // A rule of `newest` is asked all the same: it counts also those that others keep.
    if (newest === null && !judgements.isOpen(index, number, false)) return;
    const answer = keeps(this.rule, facts);
    if (answer === null) judgements.keep(index, number, true);
    else if (answer && newest !== null) newest.add(index, facts);
    else if (answer) judgements.keep(index, number, false);
  }

  /** After all were asked: who is among the newest. */
  choose(): void {
    if (this.#newest === null) return;
    const { kept, doubtful } = this.#newest.chosen();
    for (const { index, facts } of kept) {
      this.judgements.keepAmongNewest(index, this.number, facts);
    }
    for (const index of doubtful) this.judgements.keep(index, this.number, true);
  }
}
