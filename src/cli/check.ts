import { resolve } from "node:path";
import type { Command } from "commander";
import { askForCheck } from "../client/check.ts";
import type { Connection } from "../client/connection.ts";
import { type CheckEvent, checkRegistry } from "../gc/check.ts";
import { openCheckable } from "../gc/open-checkable.ts";
import { RegistryError } from "../oci/errors.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import { CheckReport } from "./check-report.ts";
import { saidYes, withConfirmOptions } from "./confirm.ts";
import { progressOn } from "./progress.ts";
import { type RepairFlags, repairFolder, repairServer } from "./repair.ts";
import {
  type RegistryOptions,
  connectionTo,
  openRegistries,
  withRegistryOptions,
} from "./registry-options.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { counted } from "./units.ts";

interface CheckFlags extends RegistryOptions, RepairFlags {
  readonly repair?: boolean;
}

export function checkCommand(terminal: Terminal): Command {
  const command = subcommand("check", terminal)
    .summary("look for damage: is all there that the tags need?")
    .description(
      "Checks that every tag can be pulled whole, and that metadata and tree say the same.\n" +
        "Changes nothing without --repair. Exit code 0: all is well; 6: damage was found.",
    )
    .argument("[DIR]", "a data folder; without one the running registry checks itself")
    .option("--verify-bytes", "read every blob, and compare it with its digest")
    .option("--sparse", "with DIR: manifests may lack parts, as with `sparse: true`")
    .option("--repair", "repair what can be repaired without guessing; shows first, and asks")
    .option("--from <URL>", "with --repair: a registry that may have what is lost here")
    .option("-q, --quiet", "only what is damaged")
    .option("--json", "one JSON document")
    .action(async (folder: string | undefined, flags: CheckFlags) => {
      await check(folder ?? null, flags, terminal);
    });
  return withRegistryOptions(
    withConfirmOptions(
      command,
      "with --repair: only show what would be done; wins over --yes",
      "with --repair: do it without asking",
    ),
  ).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf check                               the local registry, while it runs
  wharf check /var/lib/registry             a data folder, whether or not a server has it open
  wharf check --verify-bytes --json DIR     every byte, for a script
  wharf check --repair -n DIR               what could be repaired, and how
  wharf check --repair --from registry.example.com --yes DIR

Exit codes: 0 all is well, also after a repair, 1 failed, 2 wrong usage or not confirmed,
            3 repaired in part, 4 credentials, 6 damage found, or left as it is.`;

async function check(folder: string | null, flags: CheckFlags, terminal: Terminal): Promise<void> {
  demandRepair(flags);
  const url = folder === null ? null : ownerOf(`${folder}/${OURS}`)?.url;
  if (folder !== null && !url) {
    if (flags.repair) return await repairFolder(folder, flags, terminal);
    return await checkFolder(folder, flags, terminal);
  }
  const connection = url
    ? connectionTo(url, flags, terminal)
    : openRegistries(flags, terminal).at(null);
  if (flags.repair) return await repairServer(connection, flags, terminal);
  await report(connection.address.origin, remote(connection, flags), flags, terminal);
}

/** Throws USAGE for flags that mean nothing without --repair: one who says them expects a change. */
function demandRepair({ repair, from, dryRun, ...flags }: CheckFlags): void {
  if (repair) return;
  const yes = saidYes(flags) || undefined;
  const said = Object.entries({ "--from": from, "--yes": yes, "--dry-run": dryRun });
  const first = said.find(([, value]) => value !== undefined)?.[0];
  if (first) throw new RegistryError("USAGE", { reason: `${first} goes with --repair` });
}

async function checkFolder(folder: string, flags: CheckFlags, terminal: Terminal): Promise<void> {
  await using open = await openCheckable(folder);
  const { verifyBytes = false, sparse = false, quiet } = flags;
  if (!open.ours && !quiet) {
    terminal.note(
      "no registry of ours has opened this folder yet: it is checked as the tree has it",
    );
  }
  if (open.waiting > 0 && !quiet) {
    const changes = counted(open.waiting, "change");
    terminal.note(
      `after a crash the tree lacks ${changes}, which the next start of the server brings`,
    );
  }
  const events = checkRegistry(open.what, { verifyBytes, sparse, settle: null });
  await report(resolve(folder), events, flags, terminal);
}

/** The lines of the API are the events of the check. */
function remote(connection: Connection, { verifyBytes = false }: CheckFlags) {
  return askForCheck(connection, verifyBytes) as unknown as AsyncGenerator<CheckEvent>;
}

/** Throws DAMAGE_FOUND when there is any. */
async function report(
  source: string,
  events: AsyncGenerator<CheckEvent>,
  { verifyBytes = false, json = false, quiet = false }: CheckFlags,
  terminal: Terminal,
): Promise<void> {
  const all = new CheckReport(source, verifyBytes);
  const progress = progressOn(terminal, quiet);
  for await (const event of events) {
    all.add(event);
    if ("progress" in event) progress(() => all.progress());
  }
  if (json) terminal.print(all.json());
  else for (const line of all.lines()) terminal.print(line);
  if (!quiet && !json) terminal.note(all.summary());
  if (all.count > 0) throw new RegistryError("DAMAGE_FOUND", { reason: all.counts() });
}
