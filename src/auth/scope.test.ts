import { expect, test } from "bun:test";
import fc from "fast-check";
import { entriesOf, grantsOf, parseScope, scopeText } from "./scope.ts";

/** What a list of scopes comes to, as scopes. */
function granted(...scopes: string[]): string {
  return scopeText(grantsOf(scopes.flatMap((scope) => parseScope(scope) ?? [])));
}

const cases: readonly (readonly [string, string])[] = [
  ["repository:app:pull", "repository:app:pull"],
  ["repository:team/app:push,pull", "repository:team/app:pull,push"],
  ["repository:app:pull,push,", "repository:app:pull,push"],
  ["repository:app:*", "repository:app:pull,push,delete"],
  ["repository(plugin):app:pull", "repository:app:pull"],
  ["registry:catalog:*", "registry:catalog:*"],
  // Nothing we have, and no error.
  ["repository:*:*", ""],
  ["repository:**:pull", ""],
  ["repository:host:5000/a/b:pull,push", ""],
  ["repository:App:pull", ""],
  ["repository:../etc:pull", ""],
  ["repository:app:administer", ""],
  ["repository:app:PULL", ""],
  ["repository:app: pull", ""],
  ["repository:app:", ""],
  ["repository:app", ""],
  ["repository:", ""],
  ["repository", ""],
  [":app:pull", ""],
  ["", ""],
  ["REPOSITORY:app:pull", ""],
  ["repository():app:pull", ""],
  ["repository(plugin:app:pull", ""],
  ["registry:catalog:pull", ""],
  ["registry:catalogue:*", ""],
  ["registry:*:*", ""],
  ["users:ann:administer", ""],
  ["__proto__:constructor:pull", ""],
];
for (const [scope, result] of cases) {
  test(`${JSON.stringify(scope)} asks for ${result || "nothing"}`, () => {
    expect(granted(scope)).toBe(result);
  });
}

test("the name of a scope may have a colon, as the grammar says", () => {
  expect(parseScope("repository:host:5000/a/b:pull,push")).toEqual({
    type: "repository",
    name: "host:5000/a/b",
    actions: ["pull", "push"],
  });
});

test("scopes for one repository add up", () => {
  expect(granted("repository:a:pull", "repository:b:push", "repository:a:delete")).toBe(
    "repository:a:pull,delete repository:b:push",
  );
});

test("no text makes the reader fail, and what it grants are actions on real names", () => {
  const word = fc.oneof(
    fc.constantFrom("repository", "registry", ":", ",", "*", "pull", "(", ")"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const parsed = parseScope(words.join(""));
      for (const { type, name, actions } of entriesOf(grantsOf(parsed ? [parsed] : []))) {
        expect(`${type}:${name}`).toMatch(
          /^(?:registry:catalog|repository:[a-z0-9][a-z0-9._/-]*)$/,
        );
        expect(actions.filter((one) => !["pull", "push", "delete", "*"].includes(one))).toEqual([]);
      }
    }),
  );
});

test("ten thousand scopes take no time worth speaking of, and come out as one", () => {
  const many = Array.from({ length: 10_000 }, () => "repository:a:pull,push");
  expect(granted(...many)).toBe("repository:a:pull,push");
});
