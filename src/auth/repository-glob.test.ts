import { expect, test } from "bun:test";
import { globMatches, isRepositoryGlob } from "./repository-glob.ts";

const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["**", ["a", "a/b", "a/b/c"], []],
  ["*", ["a", "a-b"], ["a/b"]],
  ["ci/**", ["ci/a", "ci/a/b"], ["ci", "cia", "cia/b", "x/ci/a"]],
  ["ci/*", ["ci/a"], ["ci", "ci/a/b"]],
  ["**/app", ["app", "a/app", "a/b/app"], ["app/a", "myapp", "a/myapp"]],
  ["a/**/z", ["a/z", "a/b/z", "a/b/c/z", "a/z/z"], ["a", "z", "a/b", "a/b/zz"]],
  ["a/**/b/**/c", ["a/b/c", "a/x/b/y/b/c"], ["a/c", "a/b"]],
  ["team-*/app-*-x", ["team-a/app-1-x", "team-/app--x-x"], ["team-a/app-1-xy", "team/app-1-x"]],
  ["a.b", ["a.b"], ["axb"]],
];

for (const [glob, yes, no] of cases) {
  test(`${glob} covers ${yes.join(", ")}, not ${no.join(", ")}`, () => {
    expect(yes.filter((name) => !globMatches(glob, name))).toEqual([]);
    expect(no.filter((name) => globMatches(glob, name))).toEqual([]);
  });
}

test("what can never match a name is no glob", () => {
  const bad = ["", "/", "a/", "/a", "a//b", "A", "a***", "a**", "**a", "a b", "a:b", "[ab]", "../a?"];
  expect(bad.filter(isRepositoryGlob)).toEqual([]);
  expect(["**", "*", "a", "a/**", "a.b_c-d/*x*", "**/a/**"].filter(isRepositoryGlob)).toHaveLength(6);
});

test("a glob made to be slow is not", () => {
  const glob = `${"*a".repeat(100)}b`;
  expect(globMatches(glob, "a".repeat(255))).toBe(false);
  expect(globMatches(`${"**/a/".repeat(40)}b`, "a/".repeat(120) + "c")).toBe(false);
});
