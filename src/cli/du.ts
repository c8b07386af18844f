import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { askForUsage } from "../client/check.ts";
import { openUsage } from "../gc/open-usage.ts";
import { type UsageEvent, measureUsage } from "../inventory/measure-usage.ts";
import { RegistryError } from "../oci/errors.ts";
import { type NameGlob, parseNameGlob } from "../oci/name-glob.ts";
import type { RepositoryName } from "../oci/name.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS, TREE } from "../storage/tree.ts";
import { UsageReport } from "./du-report.ts";
import { progressOn } from "./progress.ts";
import {
  type RegistryOptions,
  connectionTo,
  openRegistries,
  withRegistryOptions,
} from "./registry-options.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface UsageFlags extends RegistryOptions {
  readonly tree?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function duCommand(terminal: Terminal): Command {
  const command = subcommand("du", terminal)
    .summary("how many bytes repositories and tags take")
    .description(
      "Counts the bytes of each repository, what would be freed if it went alone (UNIQUE), and what others " +
        "need too (SHARED); with REPO also of its tags. Each blob counts once. Changes nothing.",
    )
    .argument(
      "[WHAT...]",
      "a data folder first, if any: a path that begins with / or . or is one; then repositories, also with * and **",
    )
    .option("--tree", "the folders that the names of repositories make")
    .option("-q, --quiet", "no progress")
    .option("--json", "one JSON document")
    .action(async (words: string[], flags: UsageFlags) => {
      await measure(words, flags, terminal);
    });
  return withRegistryOptions(command).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf du                              the local registry, while it runs
  wharf du team/app 'ci/**'             with the tags of these
  wharf du --tree /var/lib/registry     a data folder of ours, or of another registry
  wharf du --json --registry example.com:5000`;

async function measure(
  words: readonly string[],
  flags: UsageFlags,
  terminal: Terminal,
): Promise<void> {
  const [first = "", ...others] = words;
  const folder = isFolder(first) ? first : null;
  const globs = (folder === null ? words : others).map(parse);
  const { where, events, close } = await open(folder, globs, flags, terminal);
  const report = new UsageReport(where, globs.length > 0, flags.json ?? false);
  const progress = progressOn(terminal, flags.quiet ?? false);
  try {
    for await (const event of events) {
      report.add(event);
      if (!("progress" in event)) continue;
      const { repositories } = event.progress;
      progress(() => `counted ${repositories} repositories`);
    }
  } finally {
    close();
  }
  if (flags.json) return terminal.print(report.json());
  for (const line of flags.tree ? report.tree() : report.table()) terminal.print(line);
  for (const line of report.totals()) terminal.note(line);
}

/** No name of a repository begins so; of the others those are folders in which there is a registry. */
function isFolder(word: string): boolean {
  if (/^[./~]/.test(word)) return true;
  return word !== "" && [TREE, OURS].some((part) => existsSync(join(word, part)));
}

function parse(text: string): NameGlob {
  const glob = parseNameGlob(text);
  if (!("reason" in glob)) return glob;
  throw new RegistryError("USAGE", { reason: `${JSON.stringify(text)}: ${glob.reason}` });
}

async function open(
  folder: string | null,
  globs: readonly NameGlob[],
  flags: UsageFlags,
  terminal: Terminal,
): Promise<{
  readonly where: string;
  readonly events: AsyncGenerator<UsageEvent>;
  readonly close: () => void;
}> {
  const url = folder === null ? null : ownerOf(join(folder, OURS))?.url;
  if (folder !== null && !url) {
    const opened = openUsage(folder);
    const wanted = (path: string): boolean =>
      globs.length === 0 || globs.some((glob) => glob.matches(path as RepositoryName));
    const events = measureUsage(opened.source, wanted);
    return { where: resolve(folder), events, close: () => opened[Symbol.dispose]() };
  }
  const connection = url
    ? connectionTo(url, flags, terminal)
    : openRegistries(flags, terminal).at(null);
  const texts = globs.map(({ text }) => text);
  const events = askForUsage(connection, texts) as unknown as AsyncGenerator<UsageEvent>;
  return { where: connection.address.origin, events, close: () => undefined };
}
