import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { chown, mkdir, writeFile } from "node:fs/promises";
import { runCommand, type Ran } from "../../test/support/command.ts";
import { temporaryFolder, type Folder } from "../../test/support/folder.ts";
import { isRoot } from "../../test/support/peers.ts";
import { parseAccessToken } from "../auth/access-token.ts";
import { tokenCommand } from "./token.ts";
import { userCommand } from "./user.ts";

const now = Date.UTC(2026, 0, 1);
const HASH = "$2y$10$uaQofrAL4YGv6FJG5vIosuRzNfsrrHDOBBenVGfRepZW/d71OzwK.";

/** A data folder with these users. */
async function dataWith(...users: string[]): Promise<Folder> {
  const folder = await temporaryFolder();
  await mkdir(folder.at("wharfinger"));
  const text = users.map((user) => `${user}:${HASH}\n`).join("");
  await writeFile(folder.at("wharfinger/htpasswd"), text);
  return folder;
}

function wharf(folder: Folder, ...args: string[]): Promise<Ran> {
  const make = (terminal: Parameters<typeof tokenCommand>[0]) => tokenCommand(terminal, () => now);
  return runCommand(make, [...args, "--data", folder.path]);
}

interface Shown {
  readonly id: string;
  readonly user: string;
  readonly repositories: readonly string[];
  readonly actions: readonly string[];
  readonly expires: string | null;
  readonly note: string;
  readonly token?: string;
}

async function listed(folder: Folder, ...args: string[]): Promise<readonly Shown[]> {
  const { out } = await wharf(folder, "list", "--json", ...args);
  return (JSON.parse(out.join("\n")) as { tokens: Shown[] }).tokens;
}

async function created(folder: Folder, ...args: string[]): Promise<Shown> {
  const { out, err } = await wharf(folder, "create", "--json", ...args);
  expect(err).toEqual([]);
  return JSON.parse(out.join("\n")) as Shown;
}

describe("wharf token create", () => {
  test("prints the token, and nothing else, to standard output", async () => {
    await using folder = await dataWith("ann", "ci");
    const { exit, out, err } = await wharf(
      folder,
      "create",
      "--user",
      "ci",
      "--repo",
      "ci/**",
      "--push",
    );
    expect([exit, out.length]).toEqual([0, 1]);
    const { id } = parseAccessToken(out[0]!)!;
    expect(err.join()).toContain(id);
    expect(await listed(folder)).toMatchObject([
      {
        id,
        user: "ci",
        repositories: ["ci/**"],
        actions: ["pull", "push"],
        note: "",
        expires: new Date(now + 90 * 86_400_000).toISOString(),
      },
    ]);
  });

  const wishes: readonly (readonly [string, string[], Partial<Shown>])[] = [
    ["pull alone", [], { actions: ["pull"] }],
    ["pull, when asked for", ["--pull"], { actions: ["pull"] }],
    ["deletion alone", ["--delete"], { actions: ["delete"] }],
    ["deletion and pull", ["--delete", "--pull"], { actions: ["pull", "delete"] }],
    ["everything", ["--pull", "--push", "--delete"], { actions: ["pull", "push", "delete"] }],
    ["administration", ["--administer", "--repo", "**"], { actions: ["administer"] }],
    ["an hour", ["--expires", "1h"], { expires: new Date(now + 3_600_000).toISOString() }],
    ["ever", ["--expires", "never"], { expires: null }],
    ["several repositories", ["--repo", "b/*", "--repo", "c"], { repositories: ["a", "b/*", "c"] }],
    ["something", ["--note", "what it is for"], { note: "what it is for" }],
  ];
  for (const [what, args, shown] of wishes) {
    test(`makes one for ${what}`, async () => {
      await using folder = await dataWith("ann");
      expect(await created(folder, "--repo", "a", ...args)).toMatchObject({
        user: "ann",
        ...shown,
      });
    });
  }

  const refusals: readonly (readonly [string, number, string[], string])[] = [
    ["without repositories", 2, ["--user", "ann"], "--repo"],
    ["for nobody in particular, where there are two", 2, ["--repo", "a"], "whose token"],
    ["for somebody who is no user", 1, ["--user", "eve", "--repo", "a"], "eve"],
    ["for a name that is none", 2, ["--user", "ann", "--repo", "Team/App"], "Team/App"],
    ["for a glob that is none", 2, ["--user", "ann", "--repo", "a//b"], "a//b"],
    ["to administer a part", 2, ["--user", "ann", "--repo", "a", "--administer"], "**"],
    ["for no time", 2, ["--user", "ann", "--repo", "a", "--expires", "0s"], "0s"],
    ["for a time that is none", 2, ["--user", "ann", "--repo", "a", "--expires", "soon"], "soon"],
    [
      "for longer than there are dates",
      2,
      ["--user", "ann", "--repo", "a", "--expires", "999999999d"],
      "999999999d",
    ],
    ["with a note of two lines", 2, ["--user", "ann", "--repo", "a", "--note", "a\nb"], "--note"],
  ];
  for (const [what, exit, args, says] of refusals) {
    test(`makes none ${what}`, async () => {
      await using folder = await dataWith("ann", "bob");
      const ran = await wharf(folder, "create", ...args);
      expect([ran.exit, ran.out]).toEqual([exit, []]);
      expect(ran.err.join("\n")).toContain(says);
      expect(await listed(folder)).toEqual([]);
    });
  }

  test("makes none in a folder that is not there", async () => {
    await using folder = await temporaryFolder();
    const args = ["create", "--user", "ann", "--repo", "a", "--data", folder.at("none")];
    const ran = await runCommand(tokenCommand, args);
    expect([ran.exit, ran.out]).toEqual([1, []]);
    expect(ran.err.join()).toContain(folder.at("none"));
  });

  test("finds folder and users through the configuration", async () => {
    await using folder = await dataWith();
    await writeFile(folder.at("users"), `ann:${HASH}\n`);
    const config = { data: folder.path, auth: { htpasswd: folder.at("users") } };
    await writeFile(folder.at("wharf.yaml"), JSON.stringify(config));
    const args = ["create", "--repo", "a", "-c", folder.at("wharf.yaml")];
    expect((await runCommand(tokenCommand, args)).exit).toBe(0);
    expect(await listed(folder)).toMatchObject([{ user: "ann" }]);
  });

  test.skipIf(!isRoot())("made by root, it can be read by whoever runs the registry", async () => {
    await using folder = await dataWith("ann");
    await chown(folder.at("wharfinger"), 1234, 1234);
    await created(folder, "--repo", "a");
    for (const name of ["wharfinger/tokens.json", "wharfinger/tokens.json.lock"]) {
      expect([name, statSync(folder.at(name)).uid]).toEqual([name, 1234]);
    }
  });
});

describe("wharf token list", () => {
  test("shows what tokens are for, and never a secret", async () => {
    await using folder = await dataWith("ann");
    const { id, token } = await created(
      folder,
      "--repo",
      "a",
      "b/**",
      "--push",
      "--note",
      "of ann",
    );
    const { secret } = parseAccessToken(token!)!;
    const tables = [await wharf(folder, "list"), await wharf(folder, "list", "--json")];
    const stored = readFileSync(folder.at("wharfinger/tokens.json"), "utf8");
    const hash = /"hash": "(\w+)"/.exec(stored)![1]!;
    for (const { out } of tables) {
      const text = out.join("\n");
      expect(text).toContain(id);
      expect([text.includes(secret), text.includes(hash)]).toEqual([false, false]);
    }
    expect(tables[0]!.out).toEqual([
      "ID            USER  REPOSITORIES  MAY        EXPIRES     LAST USED  NOTE",
      `${id}  ann   a b/**        pull,push  2026-04-01  -          of ann`,
    ]);
  });

  test("shows those of one user, and which have expired", async () => {
    await using folder = await dataWith("ann", "bob");
    await created(folder, "--user", "ann", "--repo", "a", "--expires", "1ms");
    await created(folder, "--user", "bob", "--repo", "a", "--expires", "never");
    expect(await listed(folder, "--user", "bob")).toMatchObject([{ user: "bob" }]);
    const late = (terminal: Parameters<typeof tokenCommand>[0]) =>
      tokenCommand(terminal, () => now + 1);
    const { out } = await runCommand(late, ["list", "--data", folder.path]);
    expect(out[1]).toContain("expired");
    expect(out[2]).toContain("never");
  });

  test("says so when there are none", async () => {
    await using folder = await dataWith();
    expect(await wharf(folder, "list")).toMatchObject({
      exit: 0,
      out: [],
      err: ["there are no access tokens"],
    });
  });

  test("a broken file is an error, and no empty list", async () => {
    await using folder = await dataWith("ann");
    await writeFile(folder.at("wharfinger/tokens.json"), '{"version":1,"tokens":[');
    for (const args of [["list"], ["create", "--repo", "a"], ["revoke", "abcdefghijkl"]]) {
      const { exit, out, err } = await wharf(folder, ...args);
      expect([exit, out]).toEqual([1, []]);
      expect(err.join()).toContain("tokens.json is broken");
    }
  });
});

test("wharf user remove revokes the tokens of the user, and of nobody else", async () => {
  await using folder = await dataWith("ann", "bob");
  for (const user of ["ann", "ann", "bob"]) await created(folder, "--user", user, "--repo", "a");
  const ran = await runCommand(userCommand, ["remove", "ann", "--data", folder.path]);
  expect([ran.exit, ran.out[1]]).toEqual([0, "Revoked 2 of his access tokens"]);
  expect(await listed(folder)).toMatchObject([{ user: "bob" }]);
  // A file that is named by itself does not say whose tokens they would be.
  const file = folder.at("wharfinger/htpasswd");
  expect((await runCommand(userCommand, ["remove", "bob", "--file", file])).exit).toBe(0);
  expect(await listed(folder)).toMatchObject([{ user: "bob" }]);
});

test("wharf user add gives nobody the tokens of a former user of his name", async () => {
  await using folder = await dataWith("ann", "bob");
  for (const user of ["ann", "bob"]) await created(folder, "--user", user, "--repo", "a");
  const add = async (name: string): Promise<Ran> =>
    await runCommand(userCommand, ["add", name, "--password-stdin", "--data", folder.path], {
      input: "new",
    });
  expect((await add("ann")).exit).toBe(5);
  expect(await listed(folder)).toHaveLength(2);
  await writeFile(folder.at("wharfinger/htpasswd"), `bob:${HASH}\n`);
  const { exit, err } = await add("ann");
  expect([exit, err.join()]).toEqual([0, expect.stringContaining("tokens of a former ann")]);
  expect(await listed(folder)).toMatchObject([{ user: "bob" }]);
});

describe("wharf token revoke", () => {
  test("takes ids, and whole tokens, and says which are gone", async () => {
    await using folder = await dataWith("ann");
    const made = [
      await created(folder, "--repo", "a"),
      await created(folder, "--repo", "b"),
      await created(folder, "--repo", "c"),
    ];
    const { exit, out } = await wharf(folder, "revoke", made[0]!.id, made[1]!.token!);
    expect([exit, out]).toEqual([0, [made[0]!.id, made[1]!.id]]);
    expect(await listed(folder)).toMatchObject([{ id: made[2]!.id }]);
  });

  test("takes all of one user", async () => {
    await using folder = await dataWith("ann", "bob");
    for (const user of ["ann", "ann", "bob"]) await created(folder, "--user", user, "--repo", "a");
    expect((await wharf(folder, "revoke", "--user", "ann")).out).toHaveLength(2);
    expect(await listed(folder)).toMatchObject([{ user: "bob" }]);
    expect(await wharf(folder, "revoke", "--user", "ann")).toMatchObject({ exit: 0, out: [] });
  });

  test("revokes all that were named, or none", async () => {
    await using folder = await dataWith("ann");
    const { id } = await created(folder, "--repo", "a");
    expect((await wharf(folder, "revoke", id, "abcdefghijkl")).exit).toBe(1);
    expect((await wharf(folder, "revoke", id, "no id at all")).exit).toBe(2);
    expect((await wharf(folder, "revoke")).exit).toBe(2);
    expect(await listed(folder)).toMatchObject([{ id }]);
  });

  test("does not repeat what may be a secret", async () => {
    await using folder = await dataWith("ann");
    const { err } = await wharf(folder, "revoke", "wharf_abcdefghijkl_SECRET");
    expect(err.join()).not.toContain("SECRET");
  });
});
