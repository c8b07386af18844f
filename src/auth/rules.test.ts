import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../test/support/failure.ts";
import { parseName } from "../oci/name.ts";
import type { Action } from "./caller.ts";
import { type RuleSettings, compileRules } from "./rules.ts";

const ACTIONS: readonly Action[] = ["pull", "push", "delete", "administer"];
type Rule = NonNullable<RuleSettings["rules"]>[number];

function settings(rules?: readonly Partial<Rule>[], more: Partial<RuleSettings> = {}) {
  const whole = rules?.map((one): Rule => {
    return { repositories: ["**"], users: [], groups: [], allow: ["pull"], ...one };
  });
  return { anonymousPull: [], groups: {}, rules: whole, ...more };
}

/** What somebody may do in a repository, as words. */
function rights(given: RuleSettings, user: string | null, repository: string): string {
  const rules = compileRules(given);
  const caller = user === null ? rules.anonymous : rules.user(user);
  return ACTIONS.filter((action) => caller.may(action, parseName(repository))).join(" ");
}

describe("without rules", () => {
  test("every user may do everything, and nobody else anything", () => {
    expect(rights(settings(), "ann", "a/b")).toBe("pull push delete administer");
    expect(rights(settings(), null, "a/b")).toBe("");
    expect(compileRules(settings()).user("ann").mayEverywhere("administer")).toBe(true);
    expect(compileRules(settings()).anonymous.mayEverywhere("pull")).toBe(false);
  });

  test("what may be pulled without a password may not be pushed to without one", () => {
    const given = settings(undefined, { anonymousPull: ["public/**"] });
    expect(rights(given, null, "public/a")).toBe("pull");
    expect(rights(given, null, "private/a")).toBe("");
  });
});

describe("with rules", () => {
  test("nobody may what no rule allows", () => {
    const given = settings([{ users: ["ann"], repositories: ["team/*"], allow: ["pull"] }]);
    expect(rights(given, "ann", "team/a")).toBe("pull");
    expect(rights(given, "ann", "team/a/b")).toBe("");
    expect(rights(given, "bob", "team/a")).toBe("");
    expect(rights(given, null, "team/a")).toBe("");
    expect(rights(settings([]), "ann", "a")).toBe("");
  });

  test("the rights of all rules that name a user, a group of his or everybody add up", () => {
    const given = settings(
      [
        { users: ["*"], repositories: ["**"], allow: ["pull"] },
        { users: ["ann"], repositories: ["team/**"], allow: ["push"] },
        { groups: ["ops"], repositories: ["**"], allow: ["delete", "administer"] },
      ],
      { groups: { ops: ["ann", "bob"], others: ["eve"] } },
    );
    expect(rights(given, "ann", "team/a")).toBe("pull push delete administer");
    expect(rights(given, "bob", "team/a")).toBe("pull delete administer");
    expect(rights(given, "eve", "team/a")).toBe("pull");
    expect(rights(given, null, "team/a")).toBe("");
  });

  test("a user may also pull what everybody may", () => {
    const given = settings([], { anonymousPull: ["public/**"] });
    expect(rights(given, "ann", "public/a")).toBe("pull");
  });

  test("one who is called like a group, or like a repository, is not it", () => {
    const given = settings([{ groups: ["ops"], allow: ["push"] }], { groups: { ops: ["ann"] } });
    expect(rights(given, "ops", "a")).toBe("");
    expect(rights(given, "ann a", "a")).toBe("");
  });

  test("who may do something everywhere is who may do it in **", () => {
    const rules = compileRules(
      settings([
        { users: ["ann"], repositories: ["**"], allow: ["pull"] },
        { users: ["bob"], repositories: ["*", "*/**"], allow: ["pull"] },
      ]),
    );
    expect(rules.user("ann").mayEverywhere("pull")).toBe(true);
    expect(rules.user("ann").mayEverywhere("push")).toBe(false);
    expect(rules.user("bob").mayEverywhere("pull")).toBe(false);
    expect(rules.user("bob").may("pull", parseName("a/b/c"))).toBe(true);
  });
});

describe("an error at start", () => {
  const failing = async (given: RuleSettings) =>
    await failureOf(Promise.resolve().then(() => compileRules(given)));

  test("a bad glob, with its place", async () => {
    const error = await failing(settings([{ users: ["ann"], repositories: ["Team/*"] }]));
    expect(error.kind).toBe("CONFIG_INVALID");
    expect(error.message).toContain('auth.rules.0: "Team/*"');
    expect((await failing(settings([], { anonymousPull: ["a//b"] }))).message).toContain(
      "auth.anonymousPull",
    );
  });

  test("a rule that names nobody: it can only be a mistake", async () => {
    expect((await failing(settings([{}]))).message).toContain("auth.rules.0: it names nobody");
  });

  test("a group that there is none of, also one that every object has", async () => {
    for (const group of ["opps", "constructor", "__proto__"]) {
      const error = await failing(settings([{ groups: [group] }], { groups: { ops: ["ann"] } }));
      expect(error.message).toContain(`there is no group "${group}"`);
    }
  });
});

const names = fc.constantFrom("ann", "bob", "eve");
const repositories = fc.constantFrom("a", "b", "a/b", "a/b/c", "b/a", "a-b/c", "c/a/b");
const globs = fc.constantFrom(
  "**",
  "*",
  "a",
  "a/*",
  "a/**",
  "*/b",
  "**/b",
  "a-*/c",
  "a/b/c",
  "*/*",
);
const rule = fc
  .record({
    repositories: fc.array(globs, { minLength: 1, maxLength: 3 }),
    users: fc.array(fc.oneof(names, fc.constant("*")), { maxLength: 2 }),
    groups: fc.array(fc.constantFrom("x", "y"), { maxLength: 2 }),
    allow: fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1 }),
  })
  .filter(({ users, groups: named }) => users.length + named.length > 0);
const groups = fc.record({ x: fc.array(names), y: fc.array(names) });

/** The same, said plainly: is there a rule that names him, the repository and the action? */
function allowed(given: RuleSettings, user: string, repository: string, action: Action): boolean {
  return (given.rules ?? []).some(
    (one) =>
      one.allow.includes(action) &&
      (one.users.includes(user) ||
        one.users.includes("*") ||
        one.groups.some((group) => given.groups[group]?.includes(user))) &&
      one.repositories.some((glob) => matches(glob, repository)),
  );
}

function matches(glob: string, repository: string): boolean {
  const source = glob
    .replaceAll("**/", "\u0001")
    .replaceAll("**", "\u0002")
    .replaceAll("*", "[^/]*")
    .replaceAll("\u0001", "(?:.*/)?")
    .replaceAll("\u0002", ".*");
  return new RegExp(`^${source}$`).test(repository);
}

test("rules allow what a plain reading of them allows, whatever was asked before", () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 6 }),
      groups,
      fc.array(fc.tuple(names, repositories, fc.constantFrom(...ACTIONS)), { maxLength: 20 }),
      (rules, members, questions) => {
        const given = { anonymousPull: [], groups: members, rules };
        const compiled = compileRules(given);
        for (const [user, repository, action] of questions) {
          expect(compiled.user(user).may(action, parseName(repository))).toBe(
            allowed(given, user, repository, action),
          );
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("another rule never takes a right away", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), rule, groups, (rules, more, members) => {
      const before = { anonymousPull: [], groups: members, rules };
      const after = { ...before, rules: [...rules, more] };
      for (const repository of ["a", "a/b", "c/a/b"]) {
        const had = rights(before, "ann", repository).split(" ");
        const has = rights(after, "ann", repository).split(" ");
        expect(has).toEqual(expect.arrayContaining(had.filter(Boolean)));
      }
    }),
  );
});
