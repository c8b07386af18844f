import { printable } from "../client/http/printable.ts";
import type { RemoteRun } from "../client/gc.ts";
import type { GcRepository } from "../plan/gc-plan.ts";
import { type GcRow, WHY, gcTable } from "./gc-table.ts";
import { counted, humanSize } from "./units.ts";

/** What would become of repositories, and why, for people. Pure. */
export function repositoryLines(all: readonly GcRepository[]): string[] {
  return gcTable("To collect:", all.map(rowOf));
}

function rowOf({ repository, keptWhole, manifests, links, removed, bytes }: GcRepository): GcRow {
  const reasons = Map.groupBy(manifests, ({ reason }) => reason);
  const why = [
    ...(keptWhole === null ? [] : [`kept whole: ${keptWhole}`]),
    // A newer registry may have other reasons.
    ...[...reasons].map(([reason, those]) => `${those.length} ${WHY[reason] ?? reason}`),
    ...(removed ? ["nothing is left of it"] : []),
  ];
  return { repository, manifests: manifests.length, links: links.length, bytes, why };
}

/** A line about a run that goes on. Pure. */
export function progressLine(run: RemoteRun): string {
  return `collecting: ${countsOf(run)} so far`;
}

/** The last line, of a run that has ended. Pure. */
export function runLine(run: RemoteRun): string {
  const bytes = numberOf(run, "bytes");
  const { hiding, inUse } = run;
  const why = (text: unknown, what: string): string =>
    typeof text === "string" ? `; ${what}: ${printable(text)}` : "";
  const held =
    why(hiding, "no bytes go, because it cannot be read what needs them") +
    why(inUse, "no untagged manifests go");
  const counts = COUNTED.map((key) => numberOf(run, key));
  if (counts.every((count) => count === 0)) return `there was nothing to collect${held}`;
  return `collected ${countsOf(run)}: ${humanSize(bytes)} (${bytes} bytes) went to the trash${held}`;
}

const COUNTED = ["manifests", "links", "blobs", "uploads", "leftovers"];

function countsOf(run: RemoteRun): string {
  const uploads = numberOf(run, "uploads");
  const leftovers = numberOf(run, "leftovers");
  return [
    counted(numberOf(run, "manifests"), "manifest"),
    counted(numberOf(run, "links"), "layer link"),
    counted(numberOf(run, "blobs"), "blob"),
    ...(uploads > 0 ? [counted(uploads, "unfinished upload")] : []),
    ...(leftovers > 0 ? [counted(leftovers, "leftover")] : []),
  ].join(", ");
}

function numberOf(run: RemoteRun, key: string): number {
  const value = run[key];
  return typeof value === "number" ? value : 0;
}
