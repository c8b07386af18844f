import { expect, test } from "bun:test";
import { readText, refused, taken } from "../../../test/support/legacy-config.ts";

const CLEANUP = (cleanup: string): string =>
  `{"registry":{"url":"http://hub"},"cleanup":{"days_to_keep":30,${cleanup}},"paths":{}}`;
const MANAGER = (policy: string, repositories = "[a]"): string =>
  `registries: { h: { registry: https://h, repositories: ${repositories} } }\n` +
  `delete-policy: { registries: [h], dry-run: false, tags: { include: { keys: dev } }, ${policy} }\n`;
const COMPOSE = (variables: string): string =>
  `services: { gc: { environment: { REGISTRY_URL: "http://r:5000", ${variables} } } }\n`;

test.each([
  [
    "a protecting key",
    CLEANUP('"protected_tag":["prod"]'),
    /cleanup\.protected_tag: .*protected_tags\?/,
  ],
  ["a wish for a dry run", CLEANUP('"dry_run":true'), /cleanup\.dry_run: is not known here/],
  [
    "a key that stands twice",
    CLEANUP('"protected_tags":["prod"],"protected_tags":[]'),
    /protected_tags stands twice/,
  ],
  ["a number of another name", MANAGER("mixcount: 50"), /delete-policy\.mixcount: .*mix-count\?/],
  ["a dry run of another name", MANAGER("dryrun: true"), /delete-policy\.dryrun: .*dry-run\?/],
  [
    "a glob of repositories",
    MANAGER("start: 0", "['team/*']"),
    /repositories.*no name of a repository/,
  ],
  ["a variable that must be set", COMPOSE('KEEP_N: "${N:?tell}"'), /the variable N is not set/],
  ["a variable in no known notation", COMPOSE('KEEP_N: "${N/a/b}"'), /\{N\/a\/b\} is not set/],
])("%s that is wrong is an error at start, and never off", async (_, text, message) => {
  expect(refused(await readText(text))).toMatch(message);
});

test.each([
  ["${N:?tell}", 7],
  ["${N?tell}", 7],
  ["${N:-9}", 7],
  ["${M:-9}", 9],
  ["${N:+5}", 5],
  ["$N", 7],
])("a variable is taken from the environment in the notation %s", async (text, newest) => {
  const { retention } = taken(await readText(COMPOSE(`KEEP_N: "${text}"`), { N: "7" }));

  expect(retention[0]?.keep[0]?.newest).toBe(newest);
});

test("what is unknown elsewhere is only named", async () => {
  const read = await readText(CLEANUP('"notify":"me"'));

  expect(taken(read).retention).toHaveLength(1);
  expect(typeof read === "string" ? "" : read.warnings.join()).toContain(
    "cleanup.notify: is not known",
  );
});
