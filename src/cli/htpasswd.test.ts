import { describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { type Person, runCommand } from "../../test/support/command.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { parseHtpasswd } from "../auth/htpasswd.ts";
import { verifyPassword } from "../auth/passwords.ts";
import { htpasswdCommand } from "./htpasswd.ts";

/** What is expected here is what htpasswd of Apache 2.4 was seen to do. */
const run = async (words: readonly string[], person: Person = {}) =>
  await runCommand(htpasswdCommand, words, person);

async function right(text: string, name: string, password: string): Promise<boolean> {
  const hash = parseHtpasswd(text).hashes.get(name);
  return hash !== undefined && (await verifyPassword(new TextEncoder().encode(password), hash));
}

describe("htpasswd -n", () => {
  test("prints a user and his hash, and an empty line", async () => {
    for (const flags of [["-Bbn"], ["-nbB"], ["-b", "-n"], ["-Bbn", "-C", "5"], ["-BbnC", "5"]]) {
      const { exit, out, err } = await run([...flags, "ann", "pw"]);
      expect({ exit, err }).toEqual({ exit: 0, err: [] });
      expect(out).toEqual([
        expect.stringMatching(/^ann:\$2y\$05\$[./A-Za-z0-9]{53}$/) as string,
        "",
      ]);
      expect(await right(out.join("\n"), "ann", "pw")).toBe(true);
    }
  });

  test("takes the cost that it is told", async () => {
    expect((await run(["-nbBC", "4", "ann", "pw"])).out[0]).toStartWith("ann:$2y$04$");
    for (const cost of ["3", "18", "x"]) {
      const { exit, out, err } = await run(["-nbBC", cost, "ann", "pw"]);
      expect({ exit, out }).toEqual({ exit: 3, out: [] });
      expect(err).toEqual(["htpasswd: Unable to encode with bcrypt: Invalid argument"]);
    }
  });

  test("takes a password that begins with a dash", async () => {
    const { out } = await run(["-Bbn", "ann", "-pw"]);
    expect(await right(out.join("\n"), "ann", "-pw")).toBe(true);
  });

  test("asks for the password twice, or takes it from stdin", async () => {
    const asked = await run(["-Bn", "ann"], { answers: "pw" });
    expect(asked.asked).toEqual(["New password: ", "Re-type new password: "]);
    const piped = await run(["-Bin", "ann"], { input: "pw\n" });
    const twice = await run(["-Bn", "ann"], { input: "pw\npw\n" });
    for (const { out } of [asked, piped, twice]) {
      expect(await right(out.join("\n"), "ann", "pw")).toBe(true);
    }
    const { exit, err } = await run(["-Bn", "ann"], { input: "p1\np2\n" });
    expect({ exit, err }).toEqual({ exit: 3, err: ["htpasswd: password verification error"] });
  });
});

describe("htpasswd with a file", () => {
  test("creates, adds, changes, verifies and deletes, in the words of the original", async () => {
    await using folder = await temporaryFolder();
    const file = folder.at("users");
    const steps: readonly (readonly [string[], number, string])[] = [
      [["-Bbc", file, "ann", "pw"], 0, "Adding password for user ann"],
      [["-Bb", file, "bob", "pw"], 0, "Adding password for user bob"],
      [["-Bb", file, "bob", "pw2"], 0, "Updating password for user bob"],
      [["-vb", file, "bob", "pw2"], 0, "Password for user bob correct."],
      [["-vb", file, "bob", "pw"], 3, "password verification failed"],
      [["-vb", file, "eve", "pw"], 6, "User eve not found"],
      [["-D", file, "eve"], 0, "User eve not found"],
      [["-D", file, "bob"], 0, "Deleting password for user bob"],
    ];
    for (const [words, exit, says] of steps) {
      expect([words, await run(words)]).toEqual([words, { exit, out: [], err: [says], asked: [] }]);
    }
    const text = await readFile(file, "utf8");
    expect([...parseHtpasswd(text).hashes.keys()]).toEqual(["ann"]);
    expect(await right(text, "ann", "pw")).toBe(true);
  });

  test("-c begins the file anew", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), "bob:x\n");
    await run(["-Bbc", folder.at("users"), "ann", "pw"]);
    expect(await readFile(folder.at("users"), "utf8")).toStartWith("ann:");
  });

  test("does not make a file unasked, nor touch one that is something else", async () => {
    await using folder = await temporaryFolder();
    const missing = await run(["-Bb", folder.at("users"), "ann", "pw"]);
    expect(missing.exit).toBe(1);
    expect(missing.err[0]).toContain("cannot modify file");
    await writeFile(folder.at("other"), "# a\nnocolon\n");
    const other = await run(["-Bb", folder.at("other"), "ann", "pw"]);
    expect(other.exit).toBe(7);
    expect(await readFile(folder.at("other"), "utf8")).toBe("# a\nnocolon\n");
  });
});

describe("htpasswd refuses", () => {
  test.each([
    [["-Bbn", "a:b", "pw"], 6, "username contains illegal character ':'"],
    [["-Bbn", "a".repeat(300), "pw"], 5, "username too long (> 255)"],
    [["-Bbcn", "f", "ann", "pw"], 2, "only one of -c -n -v -D may be specified"],
    [["-nbm", "ann", "pw"], 2, "MD5 is not taken by the registry; use -B (bcrypt)"],
    [["-nbs", "ann", "pw"], 2, "SHA-1 is not taken"],
    [["-nbp", "ann", "pw"], 2, "plain text is not taken"],
    [["-nbB", "ann", ""], 3, "a password must not be empty"],
  ])("%j", async (words, exit, says) => {
    const ran = await run(words);
    expect(ran.exit).toBe(exit);
    expect(ran.out).toEqual([]);
    expect(ran.err[0]).toContain(`htpasswd: ${says}`);
  });

  test.each([[[]], [["-Bbn", "ann"]], [["-Bb", "file"]], [["-D"]], [["-Bn", "a", "b", "c"]]])(
    "%j, and shows how it is used",
    async (words: string[]) => {
      const { exit, err } = await run(words);
      expect(exit).toBe(2);
      expect(err[0]).toBe("Usage:");
    },
  );
});
