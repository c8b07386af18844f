import { resolve } from "node:path";
import type { Command } from "commander";
import { type WholeSet, wholeSet } from "../backup/chain.ts";
import { openFolderTarget } from "../backup/folder-target.ts";
import { type RestorePlan, countTags, planRestore } from "../backup/plan.ts";
import { openRegistryTarget } from "../backup/registry-target.ts";
import { type Survey, survey } from "../backup/survey.ts";
import type { Missing, RestoreTarget, Restored } from "../backup/target.ts";
import { restoreUsers } from "../backup/users.ts";
import { runningRegistries } from "../gc/running-registries.ts";
import { RegistryError } from "../oci/errors.ts";
import { type NameGlob, parseNameGlob } from "../oci/name-glob.ts";
import { type ConfirmFlags, confirm, withConfirmOptions } from "./confirm.ts";
import { type DataOptions, configOf, withDataOptions } from "./data-options.ts";
import { jsonDocument } from "./json.ts";
import { progressOn } from "./progress.ts";
import { type RegistryOptions, openRegistries, withRegistryOptions } from "./registry-options.ts";
import { keptLines, planLines, summary } from "./restore-report.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { humanSize } from "./units.ts";

interface RestoreFlags extends ConfirmFlags, DataOptions, RegistryOptions {
  readonly repository?: string[];
  readonly overwriteTags?: boolean;
  readonly withUsers?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function restoreCommand(terminal: Terminal): Command {
  const command = subcommand("restore", terminal)
    .summary("bring back what is in a backup")
    .description(
      "Restores a backup, or the tar of a stopped registry, into a data folder that no server has open, " +
        "or into a running registry (--registry). Reads all of it first, shows what would be done, then " +
        "asks. What is there stays; a tag that names something else is moved with --overwrite-tags only.",
    )
    .argument("<SOURCE...>", "the backup, and the earlier ones that it builds on, in any order")
    .option("--repository <GLOB...>", "only repositories of these names, such as `team/**`")
    .option("--overwrite-tags", "move tags that name something else now")
    .option("--with-users", "also users, tokens and the signing key, where there are none yet")
    .option("-q, --quiet", "no progress")
    .option("--json", "one JSON document on stdout")
    .action(async (sources: string[], flags: RestoreFlags) => {
      await restore(sources, flags, terminal);
    });
  return withRegistryOptions(
    withDataOptions(withConfirmOptions(command, "only show what would be done; wins over --yes")),
  ).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf restore monday.tar.zst --data /var/lib/registry
  wharf restore tuesday.tar.zst monday.tar.zst            a backup made with --since
  wharf restore -n old.tar --repository 'team/**'         shows what would come back
  wharf restore monday.tar.zst --registry https://registry.example.com

Exit codes: 0 done, 1 failed, 2 wrong usage or not confirmed,
            3 done in part: tags were kept, or images refused, 4 credentials.`;

/** Reads, plans, shows, asks, acts. Rejects with what makes another exit code. */
async function restore(
  sources: readonly string[],
  flags: RestoreFlags,
  terminal: Terminal,
): Promise<void> {
  const { dryRun = false, json = false, quiet = false, overwriteTags = false } = flags;
  if (flags.registry !== undefined && (flags.data !== undefined || flags.withUsers)) {
    const reason =
      "--registry goes with neither --data nor --with-users: users are files of a folder";
    throw new RegistryError("USAGE", { reason });
  }
  const only = (flags.repository ?? []).map(globOf);
  const progress = progressOn(terminal, quiet);
  const surveys: Survey[] = [];
  for (const source of new Set(sources)) {
    const reading = (bytes: number) => progress(() => `read ${humanSize(bytes)} of ${source}`);
    surveys.push(await survey(source, reading));
  }
  const set = wholeSet(surveys);
  await using target = await openTarget(flags, dryRun, terminal);
  const plan = await planRestore(set, target.tagsNow, { only, overwriteTags });
  if (plan.repositories.length === 0 && only.length > 0) {
    throw new RegistryError("USAGE", { reason: "the backup has no repository of that name" });
  }
  const missing = await target.missing(plan);
  const document = (restored: Restored | null): void => {
    if (json)
      terminal.print(jsonDocument(plainRestore(target, plan, set, missing, restored, dryRun)));
  };
  for (const line of planLines(target.name, plan, set, missing)) {
    if (!dryRun) terminal.note(line);
    else if (!json) terminal.print(line);
  }
  if (dryRun) return document(null);
  const isThere = missing.blobs === 0 && missing.links === 0;
  if (!isThere) {
    const question = `Restore into ${target.name}? [y/N] `;
    await confirm(question, "nothing was restored", flags, terminal, () => document(null));
  }
  const restored = isThere
    ? { blobs: 0, bytes: 0, refused: [] }
    : await target.restore(plan, ({ blobs, bytes, of }) =>
        progress(() => `restored ${blobs} of ${of} blobs, ${humanSize(bytes)}`),
      );
  if (flags.withUsers) {
    for (const line of await restoreUsers(set.head.source, configOf(flags, terminal).data)) {
      terminal.note(line);
    }
  }
  document(restored);
  for (const line of keptLines(plan)) terminal.note(line);
  for (const line of restored.refused) terminal.note(`refused ${line}`);
  if (!json) terminal.print(summary(target.name, plan, restored));
  const { kept } = countTags(plan);
  if (kept + restored.refused.length === 0) return;
  const reason = [
    kept > 0 && `${kept} tags name something else and were kept; --overwrite-tags moves them`,
    restored.refused.length > 0 && `${restored.refused.length} images were refused`,
  ];
  throw new RegistryError("PARTIAL", { reason: reason.filter(Boolean).join("; ") });
}

async function openTarget(
  flags: RestoreFlags,
  dryRun: boolean,
  terminal: Terminal,
): Promise<RestoreTarget> {
  if (flags.registry !== undefined) {
    return openRegistryTarget(openRegistries(flags, terminal).at(null));
  }
  const { data } = configOf(flags, terminal);
  for (const { pid } of runningRegistries(resolve(data))) {
    terminal.note(
      `A registry runs on this folder (process ${pid}): a tag that is pushed to it meanwhile may be overwritten. ` +
        "Stop it first, or restore through it with --registry.",
    );
  }
  return await openFolderTarget(resolve(data), { looking: dryRun, now: Date.now });
}

function globOf(text: string): NameGlob {
  const glob = parseNameGlob(text);
  if ("matches" in glob) return glob;
  throw new RegistryError("USAGE", {
    reason: `--repository ${JSON.stringify(text)}: ${glob.reason}`,
  });
}

function plainRestore(
  target: RestoreTarget,
  plan: RestorePlan,
  { problems, head }: WholeSet,
  missing: Missing,
  restored: Restored | null,
  dryRun: boolean,
) {
  const repositories = plan.repositories.map(({ name, isNew, planned }) => ({
    repository: name,
    isNew,
    tags: planned.map(({ tag, digest, now, does }) => ({ tag, digest, now, does })),
  }));
  const { at = null, id = null } = head.document ?? {};
  return {
    dryRun,
    target: target.name,
    backup: { id, at },
    repositories,
    missing,
    restored,
    problems,
  };
}
