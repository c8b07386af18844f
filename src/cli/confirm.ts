import { RegistryError } from "../oci/errors.ts";
import type { Terminal } from "./terminal.ts";

/** How one says yes before one is asked. */
interface ConfirmFlags {
  readonly yes?: boolean;
  readonly force?: boolean;
}

/**
 * Asks whether a plan that was shown shall be carried out; whoever said so before is not asked. Returns when
 * it shall. Throws UNCONFIRMED when the answer was another one, or nobody is there to be asked; `refused` is
 * called before that. `undone`: what was not done then, as in `nothing was deleted`.
 */
export async function confirm(
  question: string,
  undone: string,
  { yes = false, force = false }: ConfirmFlags,
  terminal: Terminal,
  refused: () => void,
): Promise<void> {
  if (yes || force) return;
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
