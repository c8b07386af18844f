import { expect, test } from "bun:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { type PlainExpression, plainExpression } from "./plain-expression.ts";

const atoms = fc.constantFrom(
  ..."a b 1 - _ . \\. \\- \\d \\w [a-c] [^a] [0-9a-f] [\\w.-] [^1-] [ab-] [.]".split(" "),
);
const counts = fc.constantFrom("", "", "", "?", "*", "+", "{2}", "{0}", "{1,2}", "{0,3}", "{2,}");
const piece = fc.tuple(atoms, counts).map((parts) => parts.join(""));
const row = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(""));
const group = fc
  .tuple(fc.constantFrom("(", "(?:", "(?<n>", "(?P<n>"), row)
  .map(([open, inside]) => `${open}${inside})`);
const expressions = fc
  .tuple(fc.constantFrom("^", ""), row, fc.oneof(group, row), row, fc.constantFrom("$", ""))
  .map((parts) => parts.join(""));

/** Few characters, so that much matches; and those about which engines differ. */
const texts = fc
  .array(fc.constantFrom(..."aaabbc111f--__..", "\n", "\r", "\u2028", "é", "😀", "\ud83d"), {
    maxLength: 12,
  })
  .map((characters) => characters.join(""));

test("finds what RE2 finds, with the same groups", () => {
  let plain = 0;
  fc.assert(
    fc.property(expressions, fc.array(texts, { minLength: 10 }), (expression, some) => {
      const native = plainExpression(expression)?.native;
      if (native === undefined) return;
      plain++;
      const compiled = RE2JS.compile(expression);
      for (const text of some) {
        const matcher = compiled.matcher(text);
        const theirs = matcher.find()
          ? Array.from({ length: matcher.groupCount() + 1 }, (_, at) => matcher.group(at))
          : null;
        const ours = native.exec(text);
        expect(ours && Array.from(ours, (one) => one ?? null)).toEqual(theirs as string[]);
        expect(native.test(text)).toBe(compiled.test(text));
      }
    }),
    { numRuns: 3000 },
  );
  expect(plain).toBeGreaterThan(500);
});

/** How often an engine that goes back looks at a character, where nothing is spared. */
function stepsOf({ pieces, begins, ends }: PlainExpression, text: string): number {
  let steps = 0;
  const isIn = (at: number, set: readonly boolean[]): boolean => {
    steps++;
    return at < text.length && set[Math.min(text.charCodeAt(at), 128)] === true;
  };
  const follow = (number: number, from: number): boolean => {
    const one = pieces[number];
    steps++;
    if (one === undefined) return !ends || from === text.length;
    let until = from;
    while (until - from < one.most && isIn(until, one.set)) until++;
    for (; until - from >= one.least; until--) if (follow(number + 1, until)) return true;
    return false;
  };
  for (let from = 0; from <= (begins ? 0 : text.length); from++) if (follow(0, from)) break;
  return steps;
}

test("takes work that grows with the text, in the worst case", () => {
  const long = fc
    .tuple(fc.constantFrom("a", "1", "ab", "-", "a-", "1.", "aaaaaaaab"), texts)
    .map(([part, end]) => part.repeat(200).slice(0, 200) + end);
  fc.assert(
    fc.property(expressions, long, (expression, text) => {
      const plain = plainExpression(expression);
      if (plain === null) return;
      const counted = plain.pieces.map(({ least, most }) => (most === Infinity ? least : most));
      const size = counted.reduce((sum, one) => sum + one + 2, 2);
      expect(stepsOf(plain, text)).toBeLessThanOrEqual(size * size * (text.length + 1));
    }),
    { numRuns: 3000 },
  );
});

test("leaves to RE2 whatever could make an engine go back and forth, and what is not plain", () => {
  const left = [
    "^(a+)+$",
    "^(a|aa)+$",
    "^a*a*a*b",
    "^.*.*x$",
    "^.+\\d+$",
    ".+-",
    "a*",
    "(?i)a",
    "a+?",
    "a|b",
    "\\bx",
    "[[:alpha:]]",
    "[_-a]",
    "\\pL",
    "x{0,99}x{0,99}x{0,99}x{0,99}",
  ];
  expect(left.filter((text) => plainExpression(text) !== null)).toEqual([]);
});

test("takes what tags are told apart by", () => {
  const taken = [
    "^(?<branch>.+)-[0-9a-f]{7}$",
    "-[0-9a-f]{7}$",
    "^v?\\d+\\.\\d+\\.\\d+$",
    "^v?1",
    "^(?P<a>[a-z]+)-(?P<b>\\d+)",
    "^pr-\\d{1,4}$",
  ];
  expect(taken.filter((text) => plainExpression(text) === null)).toEqual([]);
});
