import type { Newest } from "./compile.ts";
import type { TagFacts } from "./facts.ts";
import { hasRank } from "./order.ts";

interface Member {
  readonly facts: TagFacts;
  readonly index: number;
}

export interface Chosen {
  readonly kept: readonly Member[];
  /** Their place in the order is not known: kept as well, and they take nobody's place. */
  readonly doubtful: readonly number[];
}

/**
 * Finds the first of each group, by the order of a rule. What is added is forgotten as soon as enough others
 * come before it: memory is bounded by groups and `newest`, work by a logarithm of it for each.
 */
export class NewestOf {
  readonly #newest: Newest;
  readonly #groups = new Map<string, Best>();
  readonly #doubtful: number[] = [];

  constructor(newest: Newest) {
    this.#newest = newest;
  }

  /** A tag that the rule counts; `index` names it in the result. The facts may be lent. */
  add(index: number, facts: TagFacts): void {
    if (!hasRank(this.#newest.order, facts)) {
      this.#doubtful.push(index);
      return;
    }
    const group = facts.group(this.#newest.groupOf);
    let best = this.#groups.get(group);
    if (best === undefined) this.#groups.set(group, (best = new Best(this.#newest)));
    best.add(index, facts);
  }

  chosen(): Chosen {
    const kept = [...this.#groups.values()].flatMap((best) => best.first());
    return { kept, doubtful: this.#doubtful };
  }
}

/** The first of one group so far, and some more that are not yet sorted out. */
class Best {
  readonly #newest: Newest;
  #members: Member[] = [];
  /** Whoever does not come before it is none of the first. */
  #last: TagFacts | undefined;

  constructor(newest: Newest) {
    this.#newest = newest;
  }

  add(index: number, facts: TagFacts): void {
    if (this.#last !== undefined && this.#newest.compare(this.#last, facts) <= 0) return;
    this.#members.push({ index, facts: facts.copy() });
    if (this.#members.length >= 2 * this.#newest.count) this.#sortOut();
  }

  first(): readonly Member[] {
    this.#sortOut();
    return this.#members;
  }

  #sortOut(): void {
    const { count, compare } = this.#newest;
    if (this.#members.length <= count) return;
    this.#members = this.#members.toSorted((a, b) => compare(a.facts, b.facts)).slice(0, count);
    this.#last = this.#members.at(-1)?.facts;
  }
}
