import { resolve } from "node:path";
import type { Credentials } from "../client/auth/credentials.ts";
import { storedCredentials } from "../client/auth/stored-credentials.ts";
import { askForRepair } from "../client/check.ts";
import type { Connection } from "../client/connection.ts";
import { openRegistry } from "../client/open-registry.ts";
import { type OpenRepairable, openForPlan, openRepairable } from "../gc/open-repairable.ts";
import { type RepairEvent, repairRegistry } from "../gc/repair.ts";
import { repairSource } from "../gc/repair-source.ts";
import { RegistryError } from "../oci/errors.ts";
import { progressOn } from "./progress.ts";
import { BY_HAND } from "./registry-options.ts";
import { RepairReport } from "./repair-report.ts";
import type { Terminal } from "./terminal.ts";
import { type ConfirmFlags, confirm, saidYes } from "./confirm.ts";

export interface RepairFlags extends ConfirmFlags {
  readonly from?: string;
  readonly verifyBytes?: boolean;
  readonly sparse?: boolean;
  readonly plainHttp?: boolean;
  readonly insecure?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

type Run = (dryRun: boolean) => AsyncGenerator<RepairEvent>;

/** Repairs a data folder that no server has open. */
export async function repairFolder(
  folder: string,
  flags: RepairFlags,
  terminal: Terminal,
): Promise<void> {
  const { verifyBytes = false, sparse = false } = flags;
  const source = sourceOf(flags, terminal);
  async function* run(dryRun: boolean): AsyncGenerator<RepairEvent> {
    await using open: OpenRepairable = dryRun
      ? await openForPlan(folder)
      : await openRepairable(folder);
    if (!open.ours && dryRun && !flags.quiet) {
      terminal.note(
        "no registry of ours has opened this folder: stop the one that serves it first",
      );
    }
    const options = { verifyBytes, sparse, settle: null, dryRun };
    yield* repairRegistry(open.what, { ...options, source: source && repairSource(source) });
  }
  await repair(resolve(folder), run, flags, terminal);
}

/** Lets a running registry of ours repair itself. What opens the source goes with the request. */
export async function repairServer(
  connection: Connection,
  flags: RepairFlags,
  terminal: Terminal,
): Promise<void> {
  const { verifyBytes = false, insecure = false } = flags;
  const source = sourceOf(flags, terminal);
  const known = source && (await storedCredentials(terminal.environment).find(source.address.host));
  const from = source && {
    url: source.address.origin,
    ...plain(known),
    ...(insecure && { insecure }),
  };
  const run = (dryRun: boolean): AsyncGenerator<RepairEvent> =>
    askForRepair(connection, {
      verifyBytes,
      dryRun,
      from,
    }) as unknown as AsyncGenerator<RepairEvent>;
  await repair(connection.address.origin, run, flags, terminal);
}

function plain(known: Credentials | null): Readonly<Record<string, string>> {
  if (!known) return {};
  if (known.kind === "password") return { username: known.username, password: known.password };
  return known.kind === "bearer" ? { token: known.token } : { identity: known.token };
}

function sourceOf(
  { from, plainHttp = false, insecure = false }: RepairFlags,
  { environment }: Terminal,
): Connection | null {
  if (from === undefined) return null;
  return openRegistry({ url: from, insecure, ...BY_HAND }, { environment, plainHttp });
}

/** Shows, asks, repairs. Returns when all is well; throws what makes another exit code. */
async function repair(
  where: string,
  run: Run,
  flags: RepairFlags,
  terminal: Terminal,
): Promise<void> {
  const { json = false, quiet = false, dryRun = false } = flags;
  const show = (report: RepairReport): void => {
    if (json) terminal.print(report.json());
    else for (const line of report.lines()) terminal.print(line);
    if (!quiet && !json) terminal.note(report.summary());
  };
  if (dryRun || !saidYes(flags)) {
    const plan = await gather(where, run(true), true, quiet, terminal);
    if (dryRun || plan.planned === 0) {
      show(plan);
      if (plan.found > 0) throw new RegistryError("DAMAGE_FOUND", { reason: plan.counts() });
      return;
    }
    for (const line of plan.lines()) terminal.note(line);
    await confirm(plan.question(), "nothing was repaired", flags, terminal, () => {
      if (json) terminal.print(plan.json());
    });
  }
  const report = await gather(where, run(false), false, quiet, terminal);
  show(report);
  if (report.left === 0) return;
  const kind = report.done > 0 ? "PARTIAL" : "DAMAGE_FOUND";
  throw new RegistryError(kind, { reason: report.counts() });
}

async function gather(
  where: string,
  events: AsyncGenerator<RepairEvent>,
  dryRun: boolean,
  quiet: boolean,
  terminal: Terminal,
): Promise<RepairReport> {
  const report = new RepairReport(where, dryRun);
  const progress = progressOn(terminal, quiet);
  for await (const event of events) {
    report.add(event);
    if (!("progress" in event)) continue;
    const { repositories, files } = event.progress;
    progress(() => `checked ${repositories} repositories, read ${files} files`);
  }
  return report;
}
