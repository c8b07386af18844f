import { Command } from "commander";
import type { Terminal } from "./terminal.ts";

/** A command that speaks through the terminal and leaves ending the process to `main.ts`, as all should. */
export function subcommand(name: string, terminal: Terminal): Command {
  const line = (write: (line: string) => void) => (text: string) => write(text.replace(/\n$/, ""));
  return new Command(name)
    .exitOverride()
    .showHelpAfterError(`See: wharf ${name} --help`)
    .configureOutput({
      writeOut: line((text) => terminal.print(text)),
      writeErr: line((text) => terminal.note(text)),
    });
}
