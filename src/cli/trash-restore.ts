import type { Command } from "commander";
import { parseTrashName } from "../gc/trash/names.ts";
import { type RestoreEvent, type RestoreItem, errorOf } from "../gc/trash/restore.ts";
import { ERRORS } from "../oci/error-table.ts";
import { RegistryError } from "../oci/errors.ts";
import { jsonDocument } from "./json.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { type ConfirmFlags, confirm, withConfirmOptions } from "./confirm.ts";
import { openDesk } from "./trash-desk.ts";
import { type PartFlags, partOf, withTrashOptions } from "./trash-options.ts";
import { lineOf, planLines, question, thingOf } from "./trash-restore-report.ts";

interface RestoreFlags extends ConfirmFlags, PartFlags {}

export function restoreTrashCommand(terminal: Terminal): Command {
  const command = subcommand("restore", terminal)
    .summary("bring back what was removed, with all that it needs")
    .description(
      "Brings back tags, manifests or whole repositories, each whole or not at all: all bytes are compared with " +
        "their digests first. A tag that was pushed again meanwhile stays as it is; one that was moved, and is " +
        "named here, is moved back.",
    )
    .argument("[REF...]", "REPO:TAG, REPO@DIGEST, REPO:TAG@DIGEST, or a whole repository")
    .option("--all", "everything that the trash has")
    .option("--sparse", "also what lacks parts that are lost, without them")
    .action(async (names: string[], flags: RestoreFlags) => {
      await restore(names, flags, terminal);
    });
  return withTrashOptions(
    withConfirmOptions(command, "only show what would come back; wins over --yes"),
  ).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf trash restore team/app:1.0                 a tag that was deleted or moved
  wharf trash restore team/app@sha256:0123…        a manifest, without a tag
  wharf trash restore team/app --yes               all that the repository has lost
  wharf trash restore --run 12 --data DIR          all that a collection removed from a folder

Exit codes: 0 restored, 1 failed, 2 wrong usage or not confirmed, 3 done in part, or a tag was kept,
            4 credentials, 5 refused.`;

/** Looks, shows, asks, acts. Returns when all was done (or shown); throws what makes another exit code. */
async function restore(
  names: readonly string[],
  flags: RestoreFlags,
  terminal: Terminal,
): Promise<void> {
  const { dryRun = false, json = false } = flags;
  const part = partOf(names, flags);
  for (const name of names) parseTrashName(name);
  const [source, planned] = await plan();
  const document = (items: readonly RestoreItem[]): void => {
    if (json) terminal.print(jsonDocument({ source, dryRun, items }));
  };
  for (const line of planLines(source, planned)) {
    if (!dryRun) terminal.note(line);
    else if (!json) terminal.print(line);
  }
  const coming = planned.filter(({ outcome }) => outcome === "planned");
  if (dryRun || coming.length === 0) {
    document(planned);
    return finish(planned);
  }
  const refused = (): void => document(planned);
  await confirm(question(coming), "nothing was restored", flags, terminal, refused);
  const done = await act();
  document(done);
  finish(done);

  async function plan(): Promise<[string, RestoreItem[]]> {
    await using desk = await openDesk(flags, "look", terminal);
    return [desk.source, await itemsOf(desk.planRestore(part), () => undefined)];
  }

  async function act(): Promise<RestoreItem[]> {
    await using desk = await openDesk(flags, "restore", terminal);
    return await itemsOf(desk.restore(part), (item) => {
      if (item.outcome !== "restored") terminal.note(lineOf(item));
      else if (!json) terminal.print(lineOf(item));
    });
  }
}

async function itemsOf(
  events: AsyncGenerator<RestoreEvent>,
  each: (item: RestoreItem) => void,
): Promise<RestoreItem[]> {
  const items: RestoreItem[] = [];
  for await (const event of events) {
    if (!("item" in event)) continue;
    items.push(event.item);
    each(event.item);
  }
  return items;
}

/** Throws what makes the exit code when not everything came back. */
function finish(items: readonly RestoreItem[]): void {
  const failures = items.flatMap((item) => errorOf(item) ?? []);
  const [first, ...others] = failures;
  if (!first) return;
  const good = items.length - failures.length;
  const reason = `${good} of ${thingOf(items.length)} could be restored`;
  if (good > 0) throw new RegistryError("PARTIAL", { reason });
  if (others.length === 0) throw first;
  const alike = others.every(({ kind }) => ERRORS[kind].exit === ERRORS[first.kind].exit);
  throw new RegistryError(alike ? first.kind : "PARTIAL", { reason });
}
