import type { RemoteRun } from "../client/gc.ts";
import type { GcRepository } from "../plan/gc-plan.ts";
import { table } from "./table.ts";
import { counted, humanSize } from "./units.ts";

const REASONS: Readonly<Record<string, string>> = {
  untagged: "untagged",
  "index-goes": "of an index that goes",
  "subject-goes": "with a subject that goes",
  "subject-missing": "without their subject",
};

const COLUMNS = [
  { title: "REPOSITORY" },
  { title: "MANIFESTS", align: "right" },
  { title: "LAYER LINKS", align: "right" },
  { title: "FREED", align: "right" },
  { title: "SHARED", align: "right" },
  { title: "WHY" },
] as const;

/** What would become of repositories, and why, for people. Pure. */
export function repositoryLines(all: readonly GcRepository[]): string[] {
  if (all.length === 0) return [];
  return ["To collect:", ...table(COLUMNS, all.map(row)).map((line) => `  ${line}`)];
}

function row({ repository, keptWhole, manifests, links, removed, bytes }: GcRepository): string[] {
  const reasons = Map.groupBy(manifests, ({ reason }) => reason);
  const why = [
    ...(keptWhole === null ? [] : [`kept whole: ${keptWhole}`]),
    ...[...reasons].map(([reason, those]) => `${those.length} ${REASONS[reason] ?? reason}`),
    ...(removed ? ["nothing is left of it"] : []),
  ];
  return [
    repository,
    String(manifests.length),
    String(links.length),
    humanSize(bytes.freed),
    humanSize(bytes.shared),
    why.join(", "),
  ];
}

export function progressLine(run: RemoteRun): string {
  return `collecting: ${countsOf(run)} so far`;
}

export function runLine(run: RemoteRun): string {
  const bytes = numberOf(run, "bytes");
  return `collected ${countsOf(run)}: ${humanSize(bytes)} (${bytes} bytes) are in the trash`;
}

function countsOf(run: RemoteRun): string {
  const uploads = numberOf(run, "uploads");
  return [
    counted(numberOf(run, "manifests"), "manifest"),
    counted(numberOf(run, "links"), "layer link"),
    counted(numberOf(run, "blobs"), "blob"),
    ...(uploads > 0 ? [counted(uploads, "unfinished upload")] : []),
  ].join(", ");
}

function numberOf(run: RemoteRun, key: string): number {
  const value = run[key];
  return typeof value === "number" ? value : 0;
}
