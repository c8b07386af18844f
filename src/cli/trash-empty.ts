import type { Command } from "commander";
import { type EmptyEvent, unknownNames } from "../gc/trash/empty.ts";
import { parseTrashName } from "../gc/trash/names.ts";
import { RegistryError } from "../oci/errors.ts";
import { jsonDocument } from "./json.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { type ConfirmFlags, confirm, withConfirmOptions } from "./confirm.ts";
import { openDesk } from "./trash-desk.ts";
import { type PartFlags, partOf, withTrashOptions } from "./trash-options.ts";
import { counted, humanSize } from "./units.ts";

interface EmptyFlags extends ConfirmFlags, PartFlags {}

type Emptied = Extract<EmptyEvent, { readonly done: unknown }>["done"];

export function emptyTrashCommand(terminal: Terminal): Command {
  const command = subcommand("empty", terminal)
    .summary("free what was removed, for good")
    .description(
      "Frees the bytes of what was removed; nobody can restore it then. Without REF it is the whole trash. " +
        "With what is named go the blobs that nothing else in the trash needs.",
    )
    .argument("[REF...]", "a repository, REPO:TAG or REPO@DIGEST")
    .action(async (names: string[], flags: EmptyFlags) => {
      await empty(names, flags, terminal);
    });
  return withTrashOptions(
    withConfirmOptions(command, "only show how much it is; wins over --yes"),
  ).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf trash empty                   all of it, of the local registry; asks first
  wharf trash empty team/app --yes    what one repository has lost
  wharf trash empty --run 12          what one collection removed`;

async function empty(
  names: readonly string[],
  flags: EmptyFlags,
  terminal: Terminal,
): Promise<void> {
  const { dryRun = false, json = false } = flags;
  for (const name of names) parseTrashName(name);
  const all = names.length === 0 && flags.run === undefined;
  const part = partOf(names, { ...flags, all });
  const [source, planned] = await plan();
  const document = ({ entries, bytes, unknown }: Emptied): void => {
    if (json) terminal.print(jsonDocument({ source, dryRun, entries, bytes, unknown }));
  };
  const line = `${counted(planned.entries, "entry")} with ${humanSize(planned.bytes)} (${planned.bytes} bytes)`;
  const told =
    planned.entries === 0 && planned.bytes === 0
      ? `nothing is to be freed at ${source}`
      : `To free for good at ${source}: ${line}`;
  if (!dryRun) terminal.note(told);
  else if (!json) terminal.print(told);
  if (dryRun || (planned.entries === 0 && planned.bytes === 0)) {
    document(planned);
    return finish(planned);
  }
  const question = `Free ${line} for good? Nobody can restore it then. [y/N] `;
  await confirm(question, "nothing was freed", flags, terminal, () => document(planned));
  const done = await act();
  document(done);
  if (!json)
    terminal.print(
      `freed ${counted(done.entries, "entry")}, ${humanSize(done.bytes)} (${done.bytes} bytes)`,
    );
  finish(done);

  async function plan(): Promise<[string, Emptied]> {
    await using desk = await openDesk(flags, "look", terminal);
    return [desk.source, await endOf(desk.planEmpty(part))];
  }

  async function act(): Promise<Emptied> {
    await using desk = await openDesk(flags, "free", terminal);
    return await endOf(desk.empty(part));
  }
}

async function endOf(events: AsyncGenerator<EmptyEvent>): Promise<Emptied> {
  for await (const event of events) if ("done" in event) return event.done;
  throw new RegistryError("REMOTE", { reason: "the emptying of the trash broke off" });
}

function finish({ entries, unknown }: Emptied): void {
  const error = unknownNames(unknown);
  if (!error) return;
  if (entries === 0) throw error;
  throw new RegistryError("PARTIAL", error.detail);
}
