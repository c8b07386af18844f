import { type Command, CommanderError } from "commander";
import { Exit } from "../../src/cli/exit.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { ERRORS } from "../../src/oci/error-table.ts";
import { RegistryError } from "../../src/oci/errors.ts";

/** How a command ended, and what it wrote. */
export interface Ran {
  readonly exit: number;
  /** Lines of stdout. */
  readonly out: readonly string[];
  /** Lines of stderr, with the message of the error that ended the command as the last. */
  readonly err: readonly string[];
  readonly asked: readonly string[];
}

export interface Person {
  readonly environment?: Readonly<Record<string, string>>;
  /** What is answered when the command asks; without it there is nobody to ask. */
  readonly answers?: string | (() => Promise<string>);
  /** What comes in on stdin. */
  readonly input?: string | Uint8Array<ArrayBuffer>;
  readonly stdoutIsTerminal?: boolean;
}

/** Runs a command as `main.ts` does, with a terminal that remembers. */
export async function runCommand(
  make: (terminal: Terminal) => Command,
  args: readonly string[],
  { environment = {}, answers, input = "", stdoutIsTerminal = false }: Person = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const asked: string[] = [];
  const terminal: Terminal = {
    environment,
    interactive: answers !== undefined,
    stdoutIsTerminal,
    stderrIsTerminal: false,
    print: (line) => void out.push(...line.split("\n")),
    output: async (text) => void out.push(...text.split("\n")),
    note: (line) => void err.push(...line.split("\n")),
    async ask(question) {
      asked.push(question);
      return typeof answers === "function" ? await answers() : (answers ?? "");
    },
    async askSecret(question) {
      return await terminal.ask(question);
    },
    readInput: async () =>
      await Promise.resolve(typeof input === "string" ? new TextEncoder().encode(input) : input),
    onStop: () => {},
    onReload: () => {},
  };
  let exit = 0;
  try {
    await make(terminal).parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) exit = error.exitCode === 0 ? 0 : 2;
    else if (error instanceof Exit) exit = error.code;
    else if (error instanceof RegistryError) {
      exit = ERRORS[error.kind].exit;
      err.push(error.message);
    } else throw error;
  }
  return { exit, out, err, asked };
}
