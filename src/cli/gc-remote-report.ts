import { printable } from "../client/http/printable.ts";
import type { RemoteRun } from "../client/gc.ts";
import type { GcRepository, GcTotals } from "../plan/gc-plan.ts";
import { counted, humanSize } from "./units.ts";

const REASONS: Readonly<Record<string, string>> = {
  untagged: "no tag names it",
  "index-goes": "its index goes",
  "subject-goes": "its subject goes",
  "subject-missing": "its subject is not here",
};

/** What would become of one repository, and why. Pure. */
export function* repositoryLines(one: GcRepository): Generator<string> {
  const name = printable(one.repository);
  if (one.keptWhole !== null) {
    yield `${name}: kept whole (${printable(one.keptWhole)})`;
    return;
  }
  const { freed, shared } = one.bytes;
  const still = shared > 0 ? `, ${humanSize(shared)} still shared with other repositories` : "";
  const end = one.removed ? "; nothing is left of it" : "";
  const manifests = counted(one.manifests.length, "manifest");
  const links = counted(one.links.length, "layer link");
  yield `${name}: ${manifests}, ${links}, ${humanSize(freed)}${still}${end}`;
  const reasons = Map.groupBy(one.manifests, ({ reason }) => reason);
  for (const [reason, all] of reasons) {
    yield `  ${counted(all.length, "manifest")}: ${REASONS[reason] ?? reason}`;
  }
  if (one.links.length > 0) yield `  ${links}: no manifest needs it`;
}

export function totalsLine({ manifests, links, blobs, bytes }: GcTotals): string {
  const { garbage } = manifests;
  if (garbage + links.garbage + blobs.garbage === 0) return "nothing is to be collected";
  const what = [
    counted(garbage, "manifest"),
    counted(links.garbage, "layer link"),
    counted(blobs.garbage, "blob"),
  ];
  return `to be collected: ${what.join(", ")}, ${humanSize(bytes.garbage)} (${bytes.garbage} bytes)`;
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
