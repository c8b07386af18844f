import { join, resolve } from "node:path";
import type { Command } from "commander";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { ageRemark, loadPlan } from "../plan/plan-file.ts";
import { openProgress } from "../plan/progress-file.ts";
import type { PrunePlan } from "../plan/prune-plan.ts";
import type { PruneResult } from "../plan/prune-result.ts";
import { confirm, withConfirmOptions } from "./confirm.ts";
import { jsonDocument } from "./json.ts";
import { type Choice, type Chosen, chooseTargets } from "./open-target.ts";
import { carryOut } from "./prune-apply.ts";
import { Endings } from "./prune-endings.ts";
import { isNothing, planLines, question } from "./prune-report.ts";
import { type PruneFlags, globsOf } from "./prune-run.ts";
import { several } from "./prune.ts";
import { withRegistryOptions } from "./registry-options.ts";
import { stopOn } from "./stop-on.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

type ApplyFlags = Pick<
  PruneFlags,
  | "config"
  | "data"
  | "registry"
  | "plainHttp"
  | "insecure"
  | "repository"
  | "yes"
  | "force"
  | "apply"
  | "dryRun"
  | "json"
  | "quiet"
>;

export function applyCommand(terminal: Terminal): Command {
  const command = subcommand("apply", terminal)
    .summary("carry out a plan that `wharf prune --out` has saved")
    .description(
      "Carries out exactly a saved plan. Each repository is read again first: one that has changed since " +
        "the plan was made is left as it is. After an interruption the same command goes on.",
    )
    .argument("<FILE>", "the plan")
    .option("-c, --config <FILE>", "the wharf.yaml that says how its registry is reached")
    .option("--data <DIR>", "the folder it is about, where that is not to be found as it was")
    .option("--repository <GLOB>", "only these repositories of the plan", several)
    .option("--json", "one JSON document on stdout")
    .option("-q, --quiet", "say only what went wrong")
    .action(async (file: string, flags: ApplyFlags) => {
      await apply(file, flags, terminal);
    });
  return withRegistryOptions(
    withConfirmOptions(command, "only show the plan; wins over --yes"),
  ).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf prune -c wharf.yaml hub --out plan.json
  wharf apply plan.json -c wharf.yaml         shows it again, and asks
  wharf apply plan.json -c wharf.yaml --yes   does not ask

Exit codes: 0 done, 1 failed, 2 wrong usage or not confirmed, 3 done in part,
            4 credentials, 5 refused (something has changed since the plan was made).`;

async function apply(file: string, flags: ApplyFlags, terminal: Terminal): Promise<void> {
  const { dryRun = false, json = false, quiet = false } = flags;
  const { plan, id } = loadPlan(file);
  const wanted = globsOf(flags.repository);
  const choice = choiceOf(plan, flags, terminal);
  const chosen = theOne(plan, choice);
  const old = ageRemark(plan, Date.now());
  const lines = [...planLines(plan), ...(old === null ? [] : [`note: ${old}`])];
  for (const line of lines) {
    if (dryRun && !json && !quiet) terminal.print(line);
    else if (!quiet) terminal.note(line);
  }
  const document = (result: PruneResult | null): void => {
    if (json) terminal.print(jsonDocument({ dryRun, plan, result }));
  };
  if (dryRun || isNothing(plan)) return document(null);
  await confirm(question([plan]), "nothing was deleted", flags, terminal, () => document(null));

  const stop = stopOn(terminal);
  const { target, concurrency } = await chosen.open();
  try {
    if (target.registry.place !== plan.registry.place) throw elsewhere(plan, target.registry.place);
    const progress = openProgress(`${file}.progress`, id);
    try {
      const { before } = progress;
      const more = { wanted, before, finished: (name: RepositoryName) => progress.finished(name) };
      const audit = join(choice.records, "audit.jsonl");
      const how = { target, concurrency, plan, audit, report: choice.report, quiet, json, more };
      const result = await carryOut(how, stop.asked, terminal);
      if (result.outcome === "done" && flags.repository === undefined) progress.remove();
      document(result);
      if (result.outcome === "stopped") stop.end();
      const endings = new Endings(terminal, false);
      endings.result(result);
      endings.end();
    } finally {
      progress.close();
    }
  } finally {
    await target.close();
    choice.close();
  }
}

/** The registries that the plan may be about. */
function choiceOf({ registry }: PrunePlan, flags: ApplyFlags, terminal: Terminal): Choice {
  const isFolder = registry.place.startsWith("/");
  if (flags.data !== undefined || isFolder) {
    return chooseTargets(
      { ...flags, names: [], decided: true, data: flags.data ?? registry.place },
      terminal,
    );
  }
  if (flags.config !== undefined || flags.registry !== undefined) {
    return chooseTargets({ ...flags, names: [], decided: true }, terminal);
  }
  return chooseTargets({ ...flags, names: [], decided: true, registry: registry.place }, terminal);
}

/** Of several, the one of the same place; its name may have changed. Throws PLAN_INVALID. */
function theOne(plan: PrunePlan, { registries }: Choice): Chosen {
  const here = registries.filter(({ place }) => place === plan.registry.place);
  const found = here.find(({ name }) => name === plan.registry.name) ?? here[0];
  if (found) return found;
  throw elsewhere(plan, registries.map(({ place }) => place).join(", "));
}

function elsewhere({ registry }: PrunePlan, here: string): RegistryError {
  const reason = `it was made for ${registry.name} at ${registry.place}, and this is ${resolvedPlace(here)}`;
  return new RegistryError("PLAN_INVALID", { reason });
}

function resolvedPlace(place: string): string {
  return place.includes("://") ? place : resolve(place);
}
