import type { Command } from "commander";
import { RegistryError } from "../oci/errors.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { subcommand } from "./subcommand.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const COLUMNS = [{ title: "CODE", align: "right" }, { title: "MEANS" }] as const;

/** `wharf help`, of a command or a topic. */
export function helpCommand(program: () => Command, terminal: Terminal): Command {
  return subcommand("help", terminal)
    .summary("explain a command, or `exit-codes`")
    .argument("[COMMAND...]", "a command such as `user add`, or exit-codes")
    .action((words: readonly string[]) => {
      if (words.join(" ") === "exit-codes") {
        const rows = EXIT_CODES.map(({ code, means }) => [String(code), means]);
        for (const line of table(COLUMNS, rows)) terminal.print(line);
      } else terminal.print(find(program(), words).helpInformation().trimEnd());
    });
}

function find(program: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const inner = command.commands.find(
      (one) => one.name() === word || one.aliases().includes(word),
    );
    if (inner === undefined) {
      throw new RegistryError("USAGE", { reason: `there is no command ${words.join(" ")}` });
    }
    return inner;
  }, program);
}
