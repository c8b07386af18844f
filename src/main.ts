import { createInterface } from "node:readline/promises";
import { Command, CommanderError } from "commander";
import { serveCommand } from "./cli/serve.ts";
import type { Terminal } from "./cli/terminal.ts";
import { ERRORS, RegistryError } from "./oci/errors.ts";
import manifest from "../package.json" with { type: "json" };

/** The commands, all of them. */
function program(terminal: Terminal): Command {
  return new Command("wharf")
    .description("A private container registry that keeps itself clean.")
    .version(manifest.version, "-V, --version")
    .exitOverride()
    .addCommand(serveCommand(terminal));
}

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

const terminal: Terminal = {
  environment: process.env,
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  print: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
  async ask(question) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  },
  nextSignal: () =>
    new Promise((resolve) => {
      const heard = (signal: string): void => {
        for (const one of signals) process.off(one, heard);
        resolve(signal);
      };
      for (const one of signals) process.on(one, heard);
    }),
};

/** The exit code of a failed command; the only place where an error becomes a line on the terminal. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof RegistryError) {
    terminal.note(`wharf: ${error.message}`);
    terminal.note(`       ${ERRORS[error.kind].remedy}`);
    return ERRORS[error.kind].exit;
  }
  terminal.note(`wharf: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return 1;
}

try {
  await program(terminal).parseAsync();
  process.exit(0);
} catch (error) {
  process.exit(report(error));
}
