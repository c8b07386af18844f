import type { Command, Option } from "commander";

/** A word that could stand next, and what it means. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/**
 * What could stand in place of what is typed so far, after the words before it: commands, options, or the values of an
 * option or an argument that has a list of them. None: a file, or something that only the user knows. Pure.
 */
export function candidates(
  program: Command,
  before: readonly string[],
  typed: string,
): Candidate[] {
  // bash splits `--format=json` at the sign, which is then a word; others leave it whole.
  const current = typed === "=" ? "" : typed;
  const { command, open, operands } = follow(program, before);
  const [, name, value] = /^(--[^=]+)=(.*)$/.exec(current) ?? [];
  const named = open ?? (name === undefined ? undefined : optionOf(command, name));
  if (named !== undefined) {
    const prefix = open === null ? `${name}=` : "";
    return fitting(choicesOf(named, prefix), open === null ? `${prefix}${value}` : current);
  }
  if (current.startsWith("-")) return fitting(optionsOf(command), current);
  if (operands === 0) {
    const commands = commandsOf(command);
    if (commands.length > 0) return fitting(commands, current);
  }
  const argument = command.registeredArguments[operands];
  return fitting(
    (argument?.argChoices ?? []).map((one) => ({ value: one, description: "" })),
    current,
  );
}

interface Place {
  readonly command: Command;
  /** An option whose value comes next. */
  readonly open: Option | null;
  /** How many words stand there that are neither options nor their values. */
  readonly operands: number;
}

function follow(program: Command, words: readonly string[]): Place {
  let command = program;
  let open: Option | null = null;
  let operands = 0;
  for (const word of words) {
    if (word === "=") continue;
    if (open !== null) open = null;
    else if (word.startsWith("-")) {
      const option = optionOf(command, word);
      open = option?.required === true ? option : null;
    } else {
      const inner = operands === 0 ? subcommandOf(command, word) : undefined;
      if (inner === undefined) operands++;
      else command = inner;
    }
  }
  return { command, open, operands };
}

function subcommandOf(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}

function optionOf(command: Command, word: string): Option | undefined {
  return visible(command).options.find(({ long, short }) => long === word || short === word);
}

function visible(command: Command): { readonly options: Option[]; readonly commands: Command[] } {
  const help = command.createHelp();
  return { options: help.visibleOptions(command), commands: help.visibleCommands(command) };
}

function optionsOf(command: Command): Candidate[] {
  return visible(command).options.flatMap(({ long, short, description }) => {
    const value = long ?? short;
    return value === undefined ? [] : [{ value, description }];
  });
}

function commandsOf(command: Command): Candidate[] {
  return visible(command).commands.map((one) => ({
    value: one.name(),
    description: one.summary() || one.description(),
  }));
}

function choicesOf(option: Option, prefix: string): Candidate[] {
  return (option.argChoices ?? []).map((one) => ({ value: `${prefix}${one}`, description: "" }));
}

function fitting(all: readonly Candidate[], current: string): Candidate[] {
  return all.filter(({ value }) => value.startsWith(current));
}
