import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isRepositoryName, parseName } from "./name.ts";
import { type NameGlob, parseNameGlob } from "./name-glob.ts";

function glob(text: string): NameGlob {
  const read = parseNameGlob(text);
  if ("reason" in read) throw new Error(read.reason);
  return read;
}

test.each([
  ["app", "app", true],
  ["app", "apps", false],
  ["app", "team/app", false],
  ["*", "app", true],
  ["*", "team/app", false],
  ["ci/*", "ci/a", true],
  ["ci/*", "ci/a/b", false],
  ["ci/*", "ci", false],
  ["ci/**", "ci/a", true],
  ["ci/**", "ci/a/b", true],
  ["ci/**", "ci", false],
  ["ci/**", "cia/b", false],
  ["**", "a/b/c", true],
  ["**/app", "app", true],
  ["**/app", "a/b/app", true],
  ["**/app", "myapp", false],
  ["a/**/z", "a/z", true],
  ["a/**/z", "a/b/c/z", true],
  ["a/**/z", "a/bz", false],
  ["team-*/app", "team-x/app", true],
  ["**-cache", "a/b-cache", true],
  ["a*b*c", "axbxc", true],
  ["a*b*c", "ab/c", false],
])("%s matches %s: %p", (text, name, expected) => {
  expect(glob(text).matches(parseName(name))).toBe(expected);
});

describe("what is no glob of repositories", () => {
  test.each([
    ["", "empty part"],
    ["/a", "empty part"],
    ["a/", "empty part"],
    ["a//b", "empty part"],
    ["a***", "neither"],
    ["App", '"A" stands in no repository name'],
    ["a?", "wildcards are * and **"],
    ["{a,b}", "stands in no repository name"],
    ["a b", "stands in no repository name"],
    ["a:v1", "stands in no repository name"],
    ["é", "stands in no repository name"],
    ["a".repeat(256), "longer"],
  ])("%p", (text, reason) => {
    const read = parseNameGlob(text);
    expect("reason" in read && read.reason).toContain(reason);
  });
});

const part = fc
  .stringMatching(/^[abc]{1,3}(?:-[abc]{1,2})?$/)
  .filter((text) => isRepositoryName(text));
const name = fc
  .array(part, { minLength: 1, maxLength: 5 })
  .map((parts) => parseName(parts.join("/")));
const pattern = fc
  .array(
    fc
      .array(fc.oneof(part, fc.constantFrom("*", "**", "-")), { minLength: 1, maxLength: 4 })
      .map((pieces) => pieces.join("")),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.join("/"))
  .filter((text) => !text.includes("***"));

/** The same meaning, said by a regular expression. */
function model(text: string): RegExp {
  const source = text.replace(/(?<=^|\/)\*\*\/|\*\*|\*|[.-]/g, (piece) => {
    if (piece === "**/") return "(?:.*/)?";
    if (piece === "**") return ".*";
    return piece === "*" ? "[^/]*" : `\\${piece}`;
  });
  return new RegExp(`^${source}$`);
}

test("a glob means what a regular expression of the same meaning says", () => {
  fc.assert(
    fc.property(pattern, name, (text, one) => {
      expect(glob(text).matches(one)).toBe(model(text).test(one));
    }),
    { numRuns: 3000 },
  );
});

test("every name matches itself, ** and the globs made from it", () => {
  fc.assert(
    fc.property(name, fc.nat(), (one, seed) => {
      const parts = one.split("/");
      const at = seed % parts.length;
      const starred = parts.with(at, "*").join("/");
      expect(glob(one).matches(one)).toBe(true);
      expect(glob("**").matches(one)).toBe(true);
      expect(glob(starred).matches(one)).toBe(true);
      expect(glob(`**/${parts.at(-1)}`).matches(one)).toBe(true);
      expect(one.startsWith(glob(starred).prefix)).toBe(true);
    }),
  );
});

test("a glob that could be tried in very many ways is tried in few", () => {
  const long = parseName(`${"a".repeat(250)}b`);
  const many = glob(`${"**a".repeat(40)}c`);
  let answers = 0;
  for (let at = 0; at < 200; at++) answers += Number(many.matches(long));
  expect(answers).toBe(0);
});
