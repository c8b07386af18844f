import type { Command } from "commander";
import type { TrashEntry } from "../gc/trash/entry.ts";
import { type TrashName, parseTrashName } from "../gc/trash/names.ts";
import { jsonDocument } from "./json.ts";
import { subcommand } from "./subcommand.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { type TrashDesk, type TrashFilter, openDesk } from "./trash-desk.ts";
import { type PartFlags, runOf, withTrashOptions } from "./trash-options.ts";
import { ago, counted, humanSize, isoTime, shortDigest } from "./units.ts";

interface ListFlags extends PartFlags {
  readonly trunc: boolean;
}

export function listTrashCommand(terminal: Terminal, now: () => number): Command {
  const command = subcommand("list", terminal)
    .alias("ls")
    .summary("list what can be restored, the newest removals first")
    .argument("[REF...]", "a repository, REPO:TAG or REPO@DIGEST; without any all is listed")
    .option("-a, --all", "also layer links and blobs, which come back with what needs them")
    .option("--no-trunc", "show digests whole")
    .action(async (names: string[], flags: ListFlags) => {
      await list(names.map(parseTrashName), flags, terminal, now());
    });
  return withTrashOptions(command).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf trash list                          tags and manifests, of the local registry
  wharf trash list team/app                 of one repository
  wharf trash list --data /var/lib/registry of a folder, whether or not a server has it open`;

async function list(
  names: readonly TrashName[],
  flags: ListFlags,
  terminal: Terminal,
  now: number,
): Promise<void> {
  await using desk = await openDesk(flags, "look", terminal);
  const run = runOf(flags);
  const filter = run === null ? {} : { run };
  const found = new Map<number, TrashEntry>();
  for (const part of names.length > 0 ? names.map((name) => ({ ...filter, name })) : [filter]) {
    for await (const entry of entries(desk, part, flags.all ?? false)) found.set(entry.id, entry);
  }
  const sorted = [...found.values()].toSorted((a, b) => b.id - a.id);
  const totals = await desk.sum();
  if (flags.json) {
    const { source } = desk;
    terminal.print(jsonDocument({ source, entries: sorted.map(plainEntry), totals }));
    return;
  }
  if (sorted.length > 0) {
    const shown = { whole: !flags.trunc, now: terminal.stdoutIsTerminal ? now : null };
    for (const line of trashTable(sorted, shown)) terminal.print(line);
  }
  terminal.note(summary(totals));
}

async function* entries(
  desk: TrashDesk,
  filter: TrashFilter,
  all: boolean,
): AsyncGenerator<TrashEntry> {
  // A tag alone is nothing but a tag.
  if (all || filter.name?.tag) return yield* desk.list(filter);
  yield* desk.list({ ...filter, kind: "tag" });
  if (!filter.name?.tag) yield* desk.list({ ...filter, kind: "manifest" });
}

const COLUMNS = [
  { title: "REMOVED" },
  { title: "WHAT" },
  { title: "DIGEST" },
  { title: "SIZE", align: "right" },
  { title: "RUN", align: "right" },
  { title: "BY" },
  { title: "WHY" },
] as const;

/** `now`: UTC milliseconds from which ages are counted; null: times are shown as they are. Pure. */
function trashTable(
  found: readonly TrashEntry[],
  { whole, now }: { readonly whole: boolean; readonly now: number | null },
): string[] {
  const short = (digest: string): string => (whole ? digest : shortDigest(digest));
  const rows = found.map((entry) => [
    now === null ? isoTime(entry.removedAt) : ago(entry.removedAt, now),
    nameOf(entry),
    short(entry.digest),
    entry.kind === "tag" ? "-" : humanSize(entry.size),
    entry.run === null ? "-" : String(entry.run),
    entry.removedBy ?? "-",
    entry.reason
      .replace(/sha(?:256|512):[0-9a-f]+/g, (digest) => short(digest))
      .replace(/(T\d\d:\d\d:\d\d)\.\d{3}Z/g, "$1Z"),
  ]);
  return table(COLUMNS, rows);
}

function nameOf({ kind, repository, tag }: TrashEntry): string {
  if (kind === "tag") return `${repository ?? "-"}:${tag ?? "-"}`;
  if (kind === "manifest") return `${repository ?? "-"}@`;
  return kind === "link" ? `${repository ?? "-"} (layer)` : "(bytes)";
}

function summary({ entries: count, bytes }: { entries: number; bytes: number }): string {
  if (count === 0) return "the trash is empty";
  return `the trash has ${counted(count, "entry")}, and ${humanSize(bytes)} that emptying it frees`;
}

/** Times in ISO 8601. Pure. */
function plainEntry({ madeAt, removedAt, ...entry }: TrashEntry) {
  return { ...entry, madeAt: isoTime(madeAt), removedAt: isoTime(removedAt) };
}
