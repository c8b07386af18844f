import { compareVersions } from "../oci/version.ts";
import type { TagFacts } from "./facts.ts";
import type { Clock, Order } from "./policy.ts";

/** Below 0: the first comes first, being newer. Never 0 for two tags. */
export type Compare = (a: TagFacts, b: TagFacts) => number;

/**
 * Whether the tag's place is known; it is not where it depends on a time that nobody knows. Such a tag takes
 * nobody's place and loses its own to nobody: it is kept. Pure.
 */
export function hasRank(order: Order, facts: TagFacts): boolean {
  if (order === "natural") return true;
  if (order === "semver" && facts.version !== null) return true;
  return facts.time(order === "semver" ? "pushed" : order) !== null;
}

/**
 * Puts the newest first. `semver`: versions by precedence, then what is no version by its push. `natural`:
 * numbers in the names as numbers, the highest first. Ties end by the push, the creation, and the name: so
 * the order never depends on that of the input.
 */
export function compareBy(order: Order): Compare {
  if (order === "natural") return byName;
  if (order === "semver") return bySemver;
  return byTime(order);
}

const bySemver: Compare = (a, b) => {
  const x = a.version;
  const y = b.version;
  if (x === null || y === null) {
    if (x === y) return byOtherTimes(a, b);
    return x === null ? 1 : -1;
  }
  return compareVersions(y, x) || byOtherTimes(a, b);
};

function byTime(clock: Clock): Compare {
  return (a, b) => (b.time(clock) ?? 0) - (a.time(clock) ?? 0) || byOtherTimes(a, b);
}

const byName: Compare = (a, b) =>
  compareNatural(b.tag.tag, a.tag.tag) || compareText(b.tag.tag, a.tag.tag);

/** By the push first. */
const byOtherTimes: Compare = (a, b) =>
  (b.time("pushed") ?? 0) - (a.time("pushed") ?? 0) ||
  (b.time("created") ?? 0) - (a.time("created") ?? 0) ||
  byName(a, b);

/** Digits as numbers, all else by its characters: `a9` before `a10`. Pure. */
export function compareNatural(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (isDigit(a, i) && isDigit(b, j)) {
      const [from, until] = numberAt(a, i);
      const [start, end] = numberAt(b, j);
      const difference =
        until - from - (end - start) || compareText(a.slice(from, until), b.slice(start, end));
      if (difference !== 0) return difference;
      [i, j] = [until, end];
    } else {
      const difference = a.charCodeAt(i++) - b.charCodeAt(j++);
      if (difference !== 0) return difference;
    }
  }
  return a.length - i - (b.length - j);
}

/** Where a number's digits begin, without leading zeros, and end. */
function numberAt(text: string, at: number): readonly [number, number] {
  let from = at;
  while (text[from] === "0") from++;
  let until = from;
  while (isDigit(text, until)) until++;
  return [from, until];
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
