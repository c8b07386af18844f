import type { Newest } from "./compile.ts";
import type { TagFacts } from "./facts.ts";
import { type Compare, type Ranked, rank } from "./order.ts";

/** A tag by its place among the repository's. */
export interface Member {
  readonly index: number;
  readonly facts: TagFacts;
}

export interface Chosen {
  readonly kept: readonly number[];
  /** Their place in the order is not known: kept as well, and they take nobody's place. */
  readonly doubtful: readonly number[];
}

interface RankedMember extends Ranked {
  readonly index: number;
}

/** The first of each group, by the order of the rule. Pure; what comes in twice counts twice. */
export function chooseNewest(newest: Newest, members: readonly Member[]): Chosen {
  const groups = new Map<string, RankedMember[]>();
  const doubtful: number[] = [];
  for (const { index, facts } of members) {
    const ranked = rank(newest.order, facts);
    if (ranked === null) {
      doubtful.push(index);
      continue;
    }
    const member = { ...ranked, index };
    const group = newest.groupOf(facts);
    const others = groups.get(group);
    if (others === undefined) groups.set(group, [member]);
    else others.push(member);
  }
  const kept = [...groups.values()].flatMap((group) =>
    first(group, newest.count, newest.compare).map(({ index }) => index),
  );
  return { kept, doubtful };
}

/** Beyond this, sorting all of a group is cheaper than inserting into the best of it. */
const FEW = 200;

/** The first of them in the order: the best so far are held in order, and most others are turned away at once. */
function first(group: RankedMember[], count: number, compare: Compare): readonly RankedMember[] {
  if (group.length <= count) return group;
  if (count > FEW) return group.toSorted(compare).slice(0, count);
  const best: RankedMember[] = [];
  for (const member of group) {
    const last = best[count - 1];
    if (last !== undefined && compare(last, member) <= 0) continue;
    best.splice(placeOf(member, best, compare), 0, member);
    if (best.length > count) best.pop();
  }
  return best;
}

function placeOf(member: RankedMember, sorted: readonly RankedMember[], compare: Compare): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = sorted[middle];
    if (there !== undefined && compare(there, member) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
