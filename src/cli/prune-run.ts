import { join } from "node:path";
import { parseNameGlob } from "../oci/name-glob.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Decider } from "../plan/decider.ts";
import type { Opened } from "../plan/open-prune.ts";
import { savePlan } from "../plan/plan-file.ts";
import { type MadePlan, type PruneWish, planPrune } from "../plan/prune-planner.ts";
import type { PruneResult } from "../plan/prune-result.ts";
import type { Collect } from "../keep/collect/choose.ts";
import { type ConfirmFlags, confirm, saidYes } from "./confirm.ts";
import { jsonDocument } from "./json.ts";
import { type Chosen, type TargetWish, chooseTargets } from "./open-target.ts";
import { progressOn } from "./progress.ts";
import { carryOut } from "./prune-apply.ts";
import { collectAfter, collectorAfter } from "./prune-collect.ts";
import { Endings } from "./prune-endings.ts";
import { explain, explanationLines, parseExplained } from "./prune-explain.ts";
import { isNothing, planLines, question } from "./prune-report.ts";
import { stopOn } from "./stop-on.ts";
import type { Terminal } from "./terminal.ts";
import { counted } from "./units.ts";

export interface PruneFlags extends ConfirmFlags, Omit<TargetWish, "names"> {
  readonly policy?: readonly string[];
  readonly repository?: readonly string[];
  readonly explain?: string;
  readonly out?: string;
  readonly collect?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A registry with its plan. */
interface Planned extends MadePlan {
  readonly opened: Opened;
  /** The configuration wants to see it, and no more. */
  readonly shownOnly: boolean;
  /** What collects after something was deleted; null: nothing shall. */
  readonly collect: Collect | null;
  result: PruneResult | null;
}

/** Plans for each registry, shows, asks once for all, acts. Throws what makes another exit code than 0. */
export async function prune(wish: PruneFlags & TargetWish, terminal: Terminal): Promise<void> {
  const { dryRun = false, json = false, quiet = false } = wish;
  if (wish.out !== undefined && saidYes(wish)) {
    throw usage("--out only saves the plan; `wharf apply` with --yes carries it out");
  }
  const choice = chooseTargets(wish, terminal);
  if (wish.out !== undefined && choice.registries.length > 1) {
    const names = choice.registries.map(({ name }) => name).join(", ");
    throw usage(`--out takes the plan of one registry; name one of ${names}`);
  }
  const opened: Opened[] = [];
  try {
    if (wish.explain !== undefined) {
      return await explainAll(wish.explain, choice.registries, opened, json, terminal);
    }
    const endings = new Endings(terminal, choice.registries.length > 1);
    const planned: Planned[] = [];
    for (const one of choice.registries) {
      const plan = await endings.of(one.name, () => planOne(one, wish, opened, terminal));
      if (!plan) continue;
      planned.push(plan);
      endings.plan(plan);
      for (const line of planLines(plan.plan)) {
        if (quiet) continue;
        if ((dryRun || plan.shownOnly || wish.out !== undefined) && !json) terminal.print(line);
        else terminal.note(line);
      }
      if (plan.shownOnly && !dryRun && !quiet) terminal.note(shownOnlyLine(one.name));
    }
    const document = (): void => {
      if (!json) return;
      const registries = planned.map(({ plan, result }) => ({ plan, result }));
      terminal.print(jsonDocument({ dryRun, registries, failed: endings.failed }));
    };
    const [only] = planned;
    if (wish.out !== undefined && only) {
      savePlan(wish.out, only.plan);
      if (!quiet) terminal.note(`saved to ${wish.out}; nothing was deleted`);
    }
    const todo = planned.filter(({ plan, shownOnly }) => !shownOnly && !isNothing(plan));
    if (dryRun || wish.out !== undefined || todo.length === 0) {
      document();
      return endings.end();
    }
    const asked = question(todo.map(({ plan }) => plan));
    await confirm(asked, "nothing was deleted", wish, terminal, document);
    const stop = stopOn(terminal);
    const audit = join(choice.records, "audit.jsonl");
    for (const one of todo) {
      const { plan, opened: registry } = one;
      const how = { ...registry, plan, audit, report: choice.report, quiet, json };
      one.result = await endings.of(plan.registry.name, () => carryOut(how, stop.asked, terminal));
      const { result, collect } = one;
      if (result) endings.result(result);
      if (result && collect) {
        const say = (line: string): void => (quiet ? undefined : terminal.note(line));
        const { name } = plan.registry;
        await endings.of(name, () => collectAfter(name, collect, result, stop.asked, say));
      }
      if (stop.asked.aborted) break;
    }
    document();
    if (stop.asked.aborted) stop.end();
    endings.end();
  } finally {
    for (const { target } of opened) await target.close();
    choice.close();
  }
}

async function planOne(
  one: Chosen,
  wish: PruneFlags,
  open: Opened[],
  terminal: Terminal,
): Promise<Planned> {
  const collect = wish.collect ? collectorAfter(one.settings, terminal) : null;
  const opened = await one.open();
  open.push(opened);
  const now = Date.now();
  const decider = await opened.decider(now);
  refuseEmpty(decider, one.name);
  const progress = progressOn(terminal, wish.quiet ?? false);
  const wanted = wantedOf(wish, decider);
  const made = await planPrune({
    target: opened.target,
    decider,
    clock: Date.now,
    concurrency: opened.concurrency,
    ...(wanted && { wanted }),
    progress: (read) => progress(() => `${one.name}: ${counted(read, "repository")} read`),
  });
  return { ...made, opened, shownOnly: one.shownOnly ?? false, collect, result: null };
}

function shownOnlyLine(name: string): string {
  return `${name}: nothing is deleted, because its configuration says prune.dryRun: true`;
}

/** To delete nothing by no rules would look like success. */
function refuseEmpty({ policies }: Decider, name: string): void {
  if (policies.length > 0) return;
  throw usage(`there is no policy in force for ${name}: \`retention:\` is empty`);
}

/** What `--policy` and `--repository` leave; null: all. Throws USAGE. */
export function wantedOf(
  { policy: policies, repository: globs }: Pick<PruneFlags, "policy" | "repository">,
  decider: Decider,
): PruneWish["wanted"] | null {
  const known = decider.policies.map(({ name }) => name);
  const strange = policies?.find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw usage(`--policy ${JSON.stringify(strange)}: the policies are ${known.join(", ")}`);
  }
  if (!policies && !globs) return null;
  const matches = globsOf(globs);
  return (name, { name: policy }) => (policies?.includes(policy) ?? true) && matches(name);
}

/** Whether one of the globs matches; all names do where there is none. Throws USAGE. */
export function globsOf(texts: readonly string[] | undefined): (name: RepositoryName) => boolean {
  const globs = texts?.map((text) => {
    const glob = parseNameGlob(text);
    if ("reason" in glob) throw usage(`--repository ${JSON.stringify(text)}: ${glob.reason}`);
    return glob;
  });
  return (name) => globs?.some((glob) => glob.matches(name)) ?? true;
}

async function explainAll(
  text: string,
  registries: readonly Chosen[],
  open: Opened[],
  json: boolean,
  terminal: Terminal,
): Promise<void> {
  const what = parseExplained(text);
  for (const one of registries) {
    const opened = await one.open();
    open.push(opened);
    const decider = await opened.decider(Date.now());
    refuseEmpty(decider, one.name);
    const explanation = await explain(what, opened.target, decider);
    if (json) terminal.print(jsonDocument({ ...explanation }));
    else for (const line of explanationLines(explanation)) terminal.print(line);
  }
}

function usage(reason: string): RegistryError {
  return new RegistryError("USAGE", { reason });
}
