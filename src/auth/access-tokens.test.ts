import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { testIssuer } from "../../test/support/accounts.ts";
import { failureOf } from "../../test/support/failure.ts";
import { parseName } from "../oci/name.ts";
import { makeAccessToken, parseAccessToken } from "./access-token.ts";
import { changeTokens, parseTokens } from "./access-token-file.ts";

const ci = parseName("ci/app");
const other = parseName("other");

test("a token allows what it says, of what its owner may do at that moment", async () => {
  await using all = await testIssuer();
  const owner = all.accounts.add("ann", "pull ci/app", "push ci/app", "pull other", "administer *");
  const { tokens } = all.principals;
  const text = await all.accessToken({
    user: "ann",
    repositories: ["ci/**"],
    actions: ["push", "delete"],
  });
  const caller = tokens.identify(text, "ann")!;
  expect(caller.name).toBe("ann");
  expect(caller.may("push", ci)).toBe(true);
  // Neither what only the owner may, nor what only the token says.
  expect(caller.may("pull", ci)).toBe(false);
  expect(caller.may("delete", ci)).toBe(false);
  expect(caller.may("pull", other)).toBe(false);
  expect(caller.mayEverywhere("administer")).toBe(false);

  owner.rights = ["pull ci/app", "delete ci/app"];
  const later = tokens.identify(text, "ann")!;
  expect([later.may("push", ci), later.may("delete", ci)]).toEqual([false, true]);
});

test("a token administers only when it says so for everything, and its owner may", async () => {
  await using all = await testIssuer();
  const owner = all.accounts.add("root", "administer *");
  const { tokens } = all.principals;
  const administers = async (repositories: string[]): Promise<boolean> => {
    const wish = { user: "root", repositories, actions: ["administer" as const] };
    return tokens.identify(await all.accessToken(wish), null)!.mayEverywhere("administer");
  };
  expect(await administers(["**"])).toBe(true);
  expect(await administers(["*", "**/*"])).toBe(false);
  owner.rights = [];
  expect(await administers(["**"])).toBe(false);
});

test("a wrong secret, a wrong name, an expired, a revoked token and one of nobody are refused in the same words", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *");
  const { tokens } = all.principals;
  const said = async (text: string, user: string | null): Promise<string> => {
    const failure = await failureOf(Promise.try(() => tokens.identify(text, user)));
    expect(failure.kind).toBe("UNAUTHORIZED");
    return failure.message;
  };
  const text = await all.accessToken({ user: "ann", expires: all.now + 1000 });
  const forever = await all.accessToken({ user: "ann" });
  expect(tokens.identify(text, "ann")?.name).toBe("ann");
  const said1 = await said(`${text.slice(0, -1)}${text.endsWith("a") ? "b" : "a"}`, "ann");
  const said2 = await said(text, "bob");
  all.now += 1000;
  const said3 = await said(text, "ann");
  expect(tokens.identify(forever, null)?.name).toBe("ann");
  all.accounts.users.delete("ann");
  const said4 = await said(forever, "ann");
  all.accounts.add("ann", "pull *");
  await all.revoke();
  const said5 = await said(forever, "ann");
  expect(new Set([said1, said2, said3, said4, said5]).size).toBe(1);
});

test("what only looks like a token is left to the passwords", async () => {
  await using all = await testIssuer();
  const made = makeAccessToken(
    { user: "a", repositories: ["**"], actions: ["pull"], note: "", expires: null },
    0,
    (length) => new Uint8Array(length).fill(7),
  );
  expect(parseAccessToken(made.text)).not.toBeNull();
  const nearly = ["wharf_", made.text.slice(1), `${made.text}a`, made.text.toUpperCase(), ""];
  for (const text of nearly) expect(all.principals.tokens.identify(text, "ann")).toBeNull();
});

test("two tokens have nothing in common, and the file has no secret in it", async () => {
  await using all = await testIssuer();
  const texts: string[] = [];
  for (let n = 0; n < 50; n++) texts.push(await all.accessToken({ user: "ann" }));
  const parts = texts.map((text) => parseAccessToken(text)!);
  expect(new Set(parts.map(({ id }) => id)).size).toBe(50);
  expect(new Set(parts.map(({ secret }) => secret)).size).toBe(50);
  const stored = readFileSync(all.path, "utf8");
  for (const { secret } of parts) expect(stored).not.toContain(secret);
  expect(statSync(all.path).mode & 0o777).toBe(0o600);
});

test("each letter of a token is as likely as any other", () => {
  const seen = new Map<string, number>();
  const wish = { user: "a", repositories: [], actions: [], note: "", expires: null };
  for (let n = 0; n < 5000; n++) {
    const { secret } = parseAccessToken(makeAccessToken(wish, 0, randomBytes).text)!;
    for (const letter of secret) seen.set(letter, (seen.get(letter) ?? 0) + 1);
  }
  // 3468 of each; a remainder that was not left out would give eight of them 840 more.
  const counts = [...seen.values()];
  expect(seen.size).toBe(62);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(650);
});

const good = {
  id: "abcdefghijkl",
  hash: "0".repeat(64),
  user: "ann",
  repositories: ["ci/**"],
  actions: ["pull"],
  created: "2026-01-01T00:00:00.000Z",
  expires: null,
  note: "",
};
const broken: readonly (readonly [string, string])[] = [
  ["no JSON", "{"],
  ["empty", ""],
  ["another version", JSON.stringify({ version: 2, tokens: [] })],
  ["without tokens", JSON.stringify({ version: 1 })],
  ["with an unknown field", JSON.stringify({ version: 1, tokens: [], more: 1 })],
  ["with one id twice", JSON.stringify({ version: 1, tokens: [good, good] })],
  ...Object.keys(good).map(
    (key) =>
      [
        `with a token without ${key}`,
        JSON.stringify({ version: 1, tokens: [{ ...good, [key]: undefined }] }),
      ] as const,
  ),
  [
    "with a glob that is none",
    JSON.stringify({ version: 1, tokens: [{ ...good, repositories: ["A b"] }] }),
  ],
  [
    "with an action there is none of",
    JSON.stringify({ version: 1, tokens: [{ ...good, actions: ["root"] }] }),
  ],
];
for (const [what, text] of broken) {
  test(`a file ${what} is an error, and is not changed`, async () => {
    expect((await failureOf(Promise.try(() => parseTokens("tokens.json", text)))).kind).toBe(
      "DATA_FOLDER",
    );
    await using all = await testIssuer();
    await writeFile(all.path, text);
    await failureOf(changeTokens(all.path, (tokens) => tokens.clear()));
    expect(readFileSync(all.path, "utf8")).toBe(text);
  });
}

test("a good file is read, and one that breaks later changes nothing", async () => {
  expect(parseTokens("tokens.json", JSON.stringify({ version: 1, tokens: [good] })).size).toBe(1);
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *");
  const text = await all.accessToken({ user: "ann" });
  expect(all.principals.tokens.identify(text, "ann")?.name).toBe("ann");
  await writeFile(all.path, "{");
  expect(all.principals.tokens.identify(text, "ann")?.name).toBe("ann");
});
