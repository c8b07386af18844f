import { type Command, Option } from "commander";
import { RegistryError } from "../oci/errors.ts";
import type { Terminal } from "./terminal.ts";

/** How one says yes before one is asked. */
export interface ConfirmFlags {
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly apply?: boolean;
  /** Wins over all of them. */
  readonly dryRun?: boolean;
}

/** Lets a command that changes something be told yes or no beforehand. `dryRun`, `yes`: what its help says of them. */
export function withConfirmOptions(
  command: Command,
  dryRun: string,
  yes = "do it without asking",
): Command {
  return (
    command
      .option("-y, --yes", yes)
      .option("-f, --force", "the same as --yes")
      // What some other tools call it; one synonym in the help is enough.
      .addOption(new Option("--apply", "the same as --yes").hideHelp())
      .option("-n, --dry-run", dryRun)
  );
}

/** Whether somebody said yes before being asked. */
export function saidYes({ yes = false, force = false, apply = false }: ConfirmFlags): boolean {
  return yes || force || apply;
}

/**
 * Asks whether a plan that was shown shall be carried out; whoever said so before is not asked. Returns when
 * it shall. Throws UNCONFIRMED when the answer was another one, or nobody is there to be asked; `refused` is
 * called before that. `undone`: what was not done then, as in `nothing was deleted`.
 */
export async function confirm(
  question: string,
  undone: string,
  flags: ConfirmFlags,
  terminal: Terminal,
  refused: () => void,
): Promise<void> {
  if (saidYes(flags)) return;
  const why = terminal.interactive
    ? "the answer was not yes"
    : "there is no terminal to ask, add --yes";
  if (terminal.interactive && (await isYes(question, terminal))) return;
  refused();
  throw new RegistryError("UNCONFIRMED", { reason: `${undone}; ${why}` });
}

async function isYes(question: string, terminal: Terminal): Promise<boolean> {
  try {
    return /^\s*y(?:es)?\s*$/i.test(await terminal.ask(question));
  } catch (error) {
    // Ctrl-C or Ctrl-D instead of an answer.
    if (error instanceof Error && error.name === "AbortError") return false;
    throw error;
  }
}
