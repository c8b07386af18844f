import { describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { type Person, runCommand } from "../../test/support/command.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { parseHtpasswd } from "../auth/htpasswd.ts";
import { verifyPassword } from "../auth/passwords.ts";
import { userCommand } from "./user.ts";

const run = async (words: readonly string[], person: Person = {}) =>
  await runCommand(userCommand, words, person);

async function right(file: string, name: string, password: string): Promise<boolean> {
  const hash = parseHtpasswd(await readFile(file, "utf8")).hashes.get(name);
  return hash !== undefined && (await verifyPassword(new TextEncoder().encode(password), hash));
}

/** `--cost 4` makes tests quick. */
const add = (folder: Folder, name: string, ...more: string[]): string[] => {
  return ["add", name, "--file", folder.at("users"), "--cost", "4", ...more];
};

describe("wharf user add", () => {
  test("asks for a password twice, and adds the user", async () => {
    await using folder = await temporaryFolder();
    const ran = await run(add(folder, "ann"), { answers: "secret" });
    expect(ran).toMatchObject({ exit: 0, out: [`Added ann to ${folder.at("users")}`], err: [] });
    expect(ran.asked).toEqual(["Password: ", "The same again: "]);
    expect(await right(folder.at("users"), "ann", "secret")).toBe(true);
  });

  test("takes a password from stdin, without its line end", async () => {
    await using folder = await temporaryFolder();
    for (const [name, input] of [
      ["a", "pw\n"],
      ["b", "pw\r\n"],
      ["c", "pw"],
    ] as const) {
      expect((await run(add(folder, name, "--password-stdin"), { input })).exit).toBe(0);
      expect(await right(folder.at("users"), name, "pw")).toBe(true);
    }
  });

  test("leaves what stands in the file as it is", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), "# ours\r\nold:$apr1$x\r\nlast:x");
    await run(add(folder, "ann", "--password-stdin"), { input: "pw" });
    const text = await readFile(folder.at("users"), "utf8");
    expect(text).toStartWith("# ours\r\nold:$apr1$x\r\nlast:x\r\nann:$2y$04$");
  });

  test.each([
    ["two that differ", [], { answers: asking("one", "two") }, "the two passwords differ"],
    ["an empty one", ["--password-stdin"], { input: "\n" }, "the password is empty"],
    ["one with a NUL", ["--password-stdin"], { input: "a\0b" }, "a NUL"],
    ["none, as there is nobody to ask", [], {}, "--password-stdin"],
  ])("refuses %s", async (_, more, person, says) => {
    await using folder = await temporaryFolder();
    const { exit, err } = await run(add(folder, "ann", ...more), person);
    expect(exit).toBe(2);
    expect(err.at(-1)).toContain(says);
    expect(await Bun.file(folder.at("users")).exists()).toBe(false);
  });

  test("says what bcrypt does with a long password", async () => {
    await using folder = await temporaryFolder();
    const { err } = await run(add(folder, "ann", "--password-stdin"), { input: "a".repeat(80) });
    expect(err).toEqual(["The password has 80 bytes; bcrypt looks at the first 72 only."]);
    expect(await right(folder.at("users"), "ann", "a".repeat(80))).toBe(true);
  });

  test.each(["a:b", "", "*", " ann", "#ann", "a\nb"])("refuses the name %p", async (name) => {
    await using folder = await temporaryFolder();
    expect((await run(add(folder, name, "--password-stdin"), { input: "pw" })).exit).toBe(2);
    expect(await Bun.file(folder.at("users")).exists()).toBe(false);
  });

  test.each(["3", "18", "x", "4.5", "-1"])("refuses the cost %p", async (cost) => {
    await using folder = await temporaryFolder();
    const words = ["add", "ann", "--file", folder.at("users"), "--password-stdin", "--cost", cost];
    expect((await run(words, { input: "pw" })).exit).toBe(2);
  });

  test("refuses somebody who is there, before anybody is asked", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), "ann:x\n");
    const { exit, err, asked } = await run(add(folder, "ann"), { answers: "secret" });
    expect({ exit, asked }).toEqual({ exit: 5, asked: [] });
    expect(err.at(-1)).toContain("there is such a user already");
    expect(await readFile(folder.at("users"), "utf8")).toBe("ann:x\n");
  });
});

function asking(...answers: string[]): () => Promise<string> {
  return async () => await Promise.resolve(answers.shift() ?? "");
}

describe("wharf user passwd", () => {
  test("gives a user another password", async () => {
    await using folder = await temporaryFolder();
    await run(add(folder, "ann", "--password-stdin"), { input: "old" });
    const words = ["passwd", "ann", "--file", folder.at("users"), "--cost", "4"];
    expect((await run(words, { answers: "new" })).exit).toBe(0);
    expect(await right(folder.at("users"), "ann", "new")).toBe(true);
    expect(await right(folder.at("users"), "ann", "old")).toBe(false);
  });

  test("and remove know nobody who is not there", async () => {
    await using folder = await temporaryFolder();
    for (const how of ["passwd", "remove"]) {
      const { exit, err } = await run([how, "ann", "--file", folder.at("users")], { answers: "x" });
      expect(exit).toBe(1);
      expect(err.at(-1)).toContain("there is no such user: ann");
    }
  });
});

test("wharf user remove removes one, in all his lines, and nobody else", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.at("users"), "ann:x\nanna:x\nann:y\n");
  expect((await run(["rm", "ann", "--file", folder.at("users")])).exit).toBe(0);
  expect(await readFile(folder.at("users"), "utf8")).toBe("anna:x\n");
});

describe("wharf user list", () => {
  test("has a line for each, says who cannot log in, and why", async () => {
    await using folder = await temporaryFolder();
    await run(add(folder, "ann", "--password-stdin"), { input: "pw" });
    await writeFile(folder.at("users"), `${await readFile(folder.at("users"), "utf8")}bob:plain\n`);
    const { out, err } = await run(["list", "--file", folder.at("users")]);
    expect(out).toEqual(["ann", "bob  (cannot log in)"]);
    expect(err).toEqual([expect.stringMatching(/line 2: no bcrypt hash/) as string]);
    const json = await run(["ls", "--json", "--file", folder.at("users")]);
    expect(JSON.parse(json.out.join("\n"))).toEqual({
      schemaVersion: 1,
      file: folder.at("users"),
      users: [
        { name: "ann", canLogIn: true },
        { name: "bob", canLogIn: false },
      ],
      problems: [{ line: 2, problem: expect.stringContaining("no bcrypt hash") as string }],
    });
  });

  test("says so when there is nobody", async () => {
    await using folder = await temporaryFolder();
    const { exit, out, err } = await run(["list", "--file", folder.at("users")]);
    expect({ exit, out, err }).toEqual({
      exit: 0,
      out: [],
      err: [`${folder.at("users")} has no users.`],
    });
  });
});

describe("the file of users is", () => {
  const added = async (words: string[], environment: Record<string, string> = {}) => {
    const all = ["add", "ann", "--password-stdin", "--cost", "4", ...words];
    return await run(all, { input: "pw", environment });
  };

  test("in the data folder, where nothing else is said", async () => {
    await using folder = await temporaryFolder();
    const file = folder.at("data", "wharfinger", "htpasswd");
    const { out, err } = await added(["--data", folder.at("data")]);
    expect(out).toEqual([`Added ann to ${file}`]);
    expect(err).toEqual([expect.stringContaining("asks nobody for a password yet") as string]);
    expect(await right(file, "ann", "pw")).toBe(true);
    const again = await added([], { WHARF_DATA: folder.at("data") });
    expect(again.exit).toBe(5);
  });

  test("the one that the configuration names", async () => {
    await using folder = await temporaryFolder();
    const config = { listen: "0.0.0.0:5000", auth: { htpasswd: folder.at("own") } };
    await writeFile(folder.at("wharf.yaml"), JSON.stringify(config));
    const { out, err } = await added(["-c", folder.at("wharf.yaml")]);
    expect({ out, err }).toEqual({ out: [`Added ann to ${folder.at("own")}`], err: [] });
  });
});
