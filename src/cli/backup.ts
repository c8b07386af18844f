import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type BackupReport, makeBackup } from "../backup/backup.ts";
import { readEarlier } from "../backup/chain.ts";
import type { Earlier } from "../backup/document.ts";
import { folderSink } from "../backup/folder-sink.ts";
import { USER_FILES, type UserFile, userPath } from "../backup/set.ts";
import { openSource } from "../backup/source.ts";
import { compressionOf, refuseExisting, tarSink } from "../backup/tar-sink.ts";
import type { Config } from "../config/schema.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { type DataOptions, configOf, withDataOptions } from "./data-options.ts";
import { Exit } from "./exit.ts";
import { jsonDocument } from "./json.ts";
import { progressOn } from "./progress.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { counted, humanSize } from "./units.ts";
import { usersOf } from "./users-file.ts";

interface BackupFlags extends DataOptions {
  readonly since?: string[];
  readonly withUsers?: boolean;
  readonly withConfig?: string;
  readonly skipDamaged?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function backupCommand(terminal: Terminal): Command {
  const command = subcommand("backup", terminal)
    .summary("copy a registry into a file or a folder, while it runs")
    .description(
      "Makes a backup of a data folder: all repositories as they are at one moment, with every byte " +
        "compared with its digest. A server may have the folder open, and pushes go on.",
    )
    .argument("<TARGET>", "a new file (.tar, .tar.gz, .tgz, .tar.zst), or else a folder")
    .option("--since <EARLIER...>", "hold only what these earlier backups lack, and build on them")
    .option("--with-users", "also users, access tokens and the signing key; all of them secrets")
    .option("--with-config <FILE>", "also this configuration")
    .option("--skip-damaged", "leave out damaged images, instead of making no backup")
    .option("-f, --force", "replace the file, or bring the folder to what is now")
    .option("-q, --quiet", "no progress")
    .option("--json", "one JSON document on stdout")
    .action(async (target: string, flags: BackupFlags) => {
      await backup(target, flags, terminal);
    });
  return withDataOptions(command).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf backup /backups/monday.tar.zst --data /var/lib/registry
  wharf backup tuesday.tar.zst --since monday.tar.zst     only what is new
  wharf backup /backups/registry --force                  a folder, brought up to date

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done without damaged images,
            5 the target is there already, 6 damage found.`;

/** Rejects with what makes another exit code. */
async function backup(target: string, flags: BackupFlags, terminal: Terminal): Promise<void> {
  const { force = false, quiet = false, json = false, skipDamaged = false } = flags;
  const config = configOf(flags, terminal);
  const isArchive = compressionOf(target) !== null;
  if (isArchive) refuseExisting(target, force);
  const earlier = await earlierOf(flags.since ?? []);
  const users = flags.withUsers ? userFiles(config) : [];
  const configuration = flags.withConfig === undefined ? null : resolve(flags.withConfig);
  const progress = progressOn(terminal, quiet);

  await using source = await openSource(resolve(config.data), Date.now);
  // Until here nothing was written that would have to be taken back.
  const stop = new AbortController();
  terminal.onStop(() => stop.abort(new Exit(130)));
  const openSink = () => (isArchive ? tarSink(target, force) : folderSink(target, force));
  const report = await makeBackup(source, openSink, {
    earlier,
    skipDamaged,
    users,
    configuration,
    now: Date.now,
    signal: stop.signal,
    onProgress: ({ blobs, bytes, of }) =>
      progress(
        () =>
          `${blobs} of ${counted(of.blobs, "blob")}, ${humanSize(bytes)} of ${humanSize(of.bytes)}`,
      ),
  });
  const remarks = [
    ...source.problems.map(({ path, problem }) => `${path}: ${problem}`),
    ...remarksOf(report, flags.withUsers === true),
  ];
  if (!quiet) for (const remark of remarks) terminal.note(remark);
  for (const image of report.leftOut) terminal.note(`left out ${image}: it is damaged`);
  if (json) terminal.print(jsonDocument({ target: resolve(target), ...plain(report), remarks }));
  else terminal.print(finalLine(target, report));
  if (report.leftOut.length > 0) {
    const reason = `${report.leftOut.length} damaged images were left out`;
    throw new RegistryError("PARTIAL", { reason });
  }
}

async function earlierOf(sources: readonly string[]) {
  const blobs = new Set<Digest>();
  const chain = new Map<string, Earlier>();
  for (const source of sources) {
    const known = await readEarlier(source);
    for (const digest of known.blobs) blobs.add(digest);
    for (const one of known.chain) chain.set(one.id, one);
  }
  return { blobs, chain: [...chain.values()].toSorted((a, b) => (a.at > b.at ? -1 : 1)) };
}

/** Those that are there. */
function userFiles(config: Config): { file: UserFile; path: string }[] {
  const place = (file: UserFile): string =>
    file === "htpasswd" ? usersOf(config) : resolve(config.data, userPath(file));
  const files = USER_FILES.map((file) => ({ file, path: place(file) }));
  return files.filter(({ path }) => existsSync(path));
}

function remarksOf({ document }: BackupReport, withUsers: boolean): string[] {
  const { users, configuration, incomplete } = document;
  const remarks: string[] = [];
  if (incomplete > 0) {
    remarks.push(
      `${counted(incomplete, "manifest")} named content that is not in the registry, and ${incomplete === 1 ? "does" : "do"} so in the backup`,
    );
  }
  if (users.length > 0) remarks.push(`the backup holds secrets: ${users.join(", ")}`);
  else if (withUsers) remarks.push("there are no users and no tokens to take along");
  if (configuration !== null)
    remarks.push(`the backup holds ${configuration}, with what is secret in it`);
  return remarks;
}

function plain({ document, leftOut }: BackupReport) {
  const { id, at, list, whole, here, incomplete, chain, users, configuration } = document;
  return { id, at, list, whole, here, incomplete, chain, users, configuration, leftOut };
}

function finalLine(target: string, { document }: BackupReport): string {
  const { whole, here, chain } = document;
  const all = [
    counted(whole.repositories, "repository"),
    counted(whole.tags, "tag"),
    counted(whole.manifests, "manifest"),
    counted(whole.blobs, "blob"),
  ];
  const held =
    chain.length === 0
      ? humanSize(whole.bytes)
      : `${humanSize(whole.bytes)}; ${counted(here.blobs, "blob")} (${humanSize(here.bytes)}) here, the others in ${counted(chain.length, "earlier backup")}`;
  return `backed up to ${target}: ${all.join(", ")} (${held})`;
}
