import type { Command } from "commander";
import { parseDuration } from "../config/duration.ts";
import { type FolderGc, type FolderPlan, collectFolder, planFolder } from "../gc/collect-folder.ts";
import { RegistryError } from "../oci/errors.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import { type ConfirmFlags, confirm, saidYes, withConfirmOptions } from "./confirm.ts";
import {
  gcDocument,
  isNothing,
  freedLines,
  outcomeLines,
  planLines,
  question,
} from "./gc-report.ts";
import { collectRemote } from "./gc-remote.ts";
import { type RegistryOptions, connectionTo, withRegistryOptions } from "./registry-options.ts";
import { progressOn } from "./progress.ts";
import { stopOn } from "./stop-on.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface GcFlags extends ConfirmFlags, RegistryOptions {
  readonly grace?: string;
  readonly purge?: boolean;
  readonly keepUntagged?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function gcCommand(terminal: Terminal): Command {
  const command = subcommand("gc", terminal)
    .summary("collect garbage: remove what no tag, index or subject keeps")
    .description(
      "Removes what nobody needs from a running Wharfinger, or from a folder of " +
        "registry:2, registry:3 or Wharfinger. Shows first what would go and why, then asks. " +
        "What goes can be restored for a while: `wharf trash`. " +
        "A repository of which anything cannot be understood is kept whole.",
    )
    .argument(
      "[DIR]",
      "the folder of a registry, which may be running; without one a running Wharfinger",
    )
    .option("--grace <DURATION>", "keep what is younger (default: 1h)")
    .option(
      "--purge",
      "free the bytes at once and for good; stop every registry on the folder first, also in other containers",
    )
    .option("--keep-untagged", "keep manifests that no tag names")
    .option("--json", "one JSON document of counts")
    .option("-q, --quiet", "say only what went wrong")
    .action(async (folder: string | undefined, flags: GcFlags) => {
      await gc(folder ?? null, flags, terminal);
    });
  return withRegistryOptions(
    withConfirmOptions(command, "only show what would go; writes nothing, wins over --yes"),
  ).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf gc                                  lets the local registry collect, while it runs
  wharf gc /var/lib/registry                shows what would go, and asks
  wharf gc /var/lib/registry --yes          does not ask, for cron
  wharf gc -n /var/lib/registry             only shows
  wharf gc --purge --yes /var/lib/registry  frees the bytes at once

Exit codes: 0 done, 1 failed, 2 wrong usage or not confirmed, 3 done in part,
            4 credentials, 5 refused.`;

const GRACE = 3_600_000;

async function gc(folder: string | null, flags: GcFlags, terminal: Terminal): Promise<void> {
  const owner = folder === null ? null : ownerOf(`${folder}/${OURS}`);
  if (folder === null || owner?.url) return await collectThere(owner?.url ?? null, flags, terminal);
  if (owner) {
    const reason = `a server has ${folder} open (process ${owner.pid}); it collects by itself`;
    throw new RegistryError("REFUSED", { reason });
  }
  const { dryRun = false, purge = false, quiet = false, json = false } = flags;
  const yes = saidYes(flags);
  const progress = progressOn(terminal, quiet);
  const grace = flags.grace === undefined ? GRACE : durationOf(flags.grace);
  const what: FolderGc = {
    folder,
    now: Date.now(),
    grace,
    untaggedAfter: flags.keepUntagged ? null : flags.grace === undefined ? undefined : grace,
    purge,
    consent: true,
    progress: (line) => progress(() => line),
  };
  const show = (plan: FolderPlan): void => {
    if (quiet || (json && dryRun)) return;
    for (const line of planLines(folder, plan, purge)) {
      if (dryRun) terminal.print(line);
      else terminal.note(line);
    }
  };
  const document = ({ totals }: FolderPlan, trash = totals.bytes.trash): void => {
    if (json) terminal.print(gcDocument(totals, trash, performance.now() / 1000));
  };

  let shown: FolderPlan | null = null;
  if (dryRun || !yes) {
    shown = await planFolder(what);
    show(shown);
    if (dryRun || isNothing(shown)) return document(shown);
    const plan = shown;
    const refused = (): void => document(plan);
    await confirm(question(plan, purge), "nothing was removed", flags, terminal, refused);
  }
  const stop = stopOn(terminal);
  const { plan, outcome, freed, trash } = await collectFolder(
    { ...what, stop: stop.asked },
    shown,
    (found) => {
      if (shown === null) show(found);
    },
  );
  if (!quiet) {
    for (const line of [...outcomeLines(outcome, plan, purge), ...freedLines(freed)]) {
      terminal.note(line);
    }
  }
  document(plan, trash);
  if (outcome.stopped) stop.end();
  if (outcome.failures.length > 0) {
    if (quiet)
      for (const { path, problem } of outcome.failures) terminal.note(`${path}: ${problem}`);
    throw new RegistryError("PARTIAL", {
      reason: `${outcome.failures.length} could not be removed`,
    });
  }
}

/** In a registry of ours that runs: the one that has the folder open, or the one of the options. */
async function collectThere(url: string | null, flags: GcFlags, terminal: Terminal): Promise<void> {
  const own = (["grace", "purge", "keepUntagged"] as const).find((name) => flags[name]);
  if (own !== undefined) {
    const option = `--${own.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const reason = `${option} is for a folder that no server of ours has open; a running registry goes by its settings`;
    throw new RegistryError("USAGE", { reason });
  }
  if (url === null) return await collectRemote(flags, terminal);
  await collectRemote(flags, terminal, connectionTo(url, flags, terminal));
}

function durationOf(text: string): number {
  const milliseconds = /^0+$/.test(text) ? 0 : parseDuration(text);
  if (milliseconds !== null) return milliseconds;
  const reason = `--grace ${JSON.stringify(text)} is not a duration, such as 30m, 1h or 7d`;
  throw new RegistryError("USAGE", { reason });
}
