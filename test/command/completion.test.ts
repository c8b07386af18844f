import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { EXIT_CODES } from "../../src/cli/exit-codes.ts";
import { SHELLS } from "../../src/cli/completion.ts";
import { cleanEnvironment } from "../support/drop-in.ts";
import { temporaryFolder } from "../support/folder.ts";

setDefaultTimeout(60_000);

const root = join(import.meta.dir, "..", "..");
const wharf = join(root, "bin", "wharf.mjs");

function run(command: readonly string[], env: Record<string, string> = {}, stdin = "") {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], {
    env: { ...cleanEnvironment(), ...env },
    stdin: Buffer.from(stdin),
    timeout: 30_000,
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode };
}

describe("completion", () => {
  test.skipIf(Bun.which("bash") === null)("works in bash", async () => {
    await using folder = await temporaryFolder();
    await symlink(wharf, folder.at("wharf"));
    const script = `
set -u
source <(wharf completion bash)
try() {
  COMP_WORDS=("$@") COMP_CWORD=$(( $# - 1 ))
  $(complete -p wharf | sed 's/.*-F \\([^ ]*\\).*/\\1/')
  echo "\${COMPREPLY[*]:-}"
}
try wharf conf
try wharf config ""
try wharf list --format ""
try wharf list --format = j
try wharf delete --ye
try wharf serve ./no-such`;
    const PATH = `${folder.path}:${process.env["PATH"] ?? ""}`;

    const { out, err, exitCode } = run(["bash", "-c", script], { PATH });

    expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
    expect(out.split("\n")).toEqual([
      "config",
      "check help",
      "table json",
      "json",
      "--yes",
      "",
      "",
    ]);
  });

  test.each(SHELLS)("has a script for %s, which names the command it asks", (shell) => {
    const { out, exitCode } = run(["node", wharf, "completion", shell]);

    expect(out).toContain('wharf __complete "=');
    expect(exitCode).toBe(0);
  });

  const others = [
    ["zsh", "-n"],
    ["fish", "--no-execute"],
  ] as const;
  for (const [shell, flag] of others) {
    test.skipIf(Bun.which(shell) === null)(`is a script that ${shell} can read`, async () => {
      await using folder = await temporaryFolder();
      await Bun.write(folder.at("script"), run(["node", wharf, "completion", shell]).out);

      expect(run([shell, flag, folder.at("script")])).toMatchObject({ err: "", exitCode: 0 });
    });
  }
});

describe("wharf help", () => {
  test("explains exit codes as the documentation does", async () => {
    const { out, exitCode } = run(["node", wharf, "help", "exit-codes"]);
    const page = await Bun.file(join(root, "docs", "commands.md")).text();

    expect(exitCode).toBe(0);
    for (const { code, means } of EXIT_CODES) {
      expect(out).toMatch(new RegExp(`^ *${code}  `, "m"));
      expect(out).toContain(means);
      expect(page).toContain(`| ${code} | ${means} |`);
    }
  });

  test.each([
    [["list"], "Usage: wharf list"],
    [["ls"], "Usage: wharf list"],
    [["config", "check"], "Usage: wharf config check"],
    [[], "Usage: wharf"],
  ])("explains a command: %p", (words, usage) => {
    const { out, exitCode } = run(["node", wharf, "help", ...words]);

    expect(out).toStartWith(usage);
    expect(exitCode).toBe(0);
  });

  test("does not know every word", () => {
    const { out, err, exitCode } = run(["node", wharf, "help", "nonsense"]);

    expect(err).toContain("there is no command nonsense");
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 2 });
  });
});
