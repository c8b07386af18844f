import { Argument, Command, Option } from "commander";
import { describe, expect, test } from "bun:test";
import { candidates } from "./complete.ts";

function program(): Command {
  return new Command("tool")
    .version("1.0", "-V, --version")
    .addCommand(
      new Command("list")
        .alias("ls")
        .summary("lists things")
        .argument("[NAME]")
        .option("-q, --quiet", "say less")
        .option("--name <NAME>", "a name")
        .addOption(new Option("--format <FORMAT>").choices(["table", "json"])),
    )
    .addCommand(
      new Command("user").addCommand(new Command("add")).addCommand(new Command("addict")),
    )
    .addCommand(new Command("shell").addArgument(new Argument("<S>").choices(["bash", "zsh"])))
    .addCommand(new Command("secret"), { hidden: true });
}

const values = (before: string[], current: string) =>
  candidates(program(), before, current).map(({ value }) => value);

describe("what can stand next", () => {
  test.each([
    ["a command", [], "", ["list", "user", "shell", "help"]],
    ["a command that begins so", [], "us", ["user"]],
    ["a command of a command", ["user"], "ad", ["add", "addict"]],
    ["an option of the program", [], "--v", ["--version"]],
    ["an option", ["list"], "--", ["--quiet", "--name", "--format", "--help"]],
    ["an option by another name of its command", ["ls"], "--q", ["--quiet"]],
    ["a value of an option", ["list", "--format"], "", ["table", "json"]],
    ["a value that begins so", ["list", "--format"], "j", ["json"]],
    ["a value behind a sign", ["list"], "--format=t", ["--format=table"]],
    ["a value behind a sign, as bash splits it", ["list", "--format", "="], "t", ["table"]],
    [
      "a value behind a sign alone, as bash splits it",
      ["list", "--format"],
      "=",
      ["table", "json"],
    ],
    ["an option after others", ["list", "-q", "--name", "x"], "--f", ["--format"]],
    ["an option after an argument", ["list", "x"], "--f", ["--format"]],
    ["a value of an argument", ["shell"], "b", ["bash"]],
    ["nothing that we know: a value", ["list", "--name"], "", []],
    ["nothing that we know: an argument", ["list"], "", []],
    ["nothing after the last argument", ["shell", "bash"], "", []],
    ["nothing that is hidden", [], "sec", []],
    ["nothing of an unknown command", ["nonsense"], "", []],
    ["nothing of an unknown option", ["list", "--nonsense"], "--nonsense=", []],
  ])("is %s", (_, before, current, expected) => {
    expect(values(before, current)).toEqual(expected);
  });

  test("says what it means", () => {
    expect(candidates(program(), [], "li")).toEqual([
      { value: "list", description: "lists things" },
    ]);
    expect(candidates(program(), ["list"], "--q")).toEqual([
      { value: "--quiet", description: "say less" },
    ]);
  });
});
