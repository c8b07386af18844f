import { printable } from "../client/http/printable.ts";
import type { RestoreItem } from "../gc/trash/restore.ts";
import { counted, humanSize, shortDigest } from "./units.ts";

/** More are summed up, so that the question stands on the same screen. */
const MOST_SHOWN = 40;

/** The plan for people. Pure. */
export function planLines(source: string, items: readonly RestoreItem[]): string[] {
  const coming = items.filter(({ outcome }) => outcome === "planned");
  const others = items.filter(({ outcome }) => outcome !== "planned");
  const lines = coming.slice(0, MOST_SHOWN).flatMap(plannedLines);
  const more = coming.length - MOST_SHOWN;
  return [
    ...(coming.length > 0 ? [`To restore at ${source}:`, ...lines] : []),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...others.map(lineOf),
    ...(items.length === 0 ? ["the trash has nothing of it"] : []),
  ];
}

function plannedLines(item: RestoreItem): string[] {
  const { digest, movedFrom, reason } = item;
  const facts = [digest === null ? null : shortDigest(digest), amount(item)].filter(Boolean);
  return [
    `  ${nameOf(item)}  (${facts.join(", ")})`,
    ...(movedFrom === null
      ? []
      : [`    the tag is moved back; it names ${shortDigest(movedFrom)} now`]),
    ...(reason === null ? [] : [`    ${printable(reason)}`]),
  ];
}

/** What else comes with it. */
function amount({ manifests, blobs, bytes }: RestoreItem): string {
  if (manifests + blobs === 0) return "all of it is here";
  const parts = [
    ...(manifests > 0 ? [counted(manifests, "manifest")] : []),
    ...(blobs > 0 ? [counted(blobs, "blob")] : []),
  ];
  return `${parts.join(" and ")}, ${humanSize(bytes)}`;
}

/** What became of one thing. Pure. */
export function lineOf(item: RestoreItem): string {
  const { outcome, reason } = item;
  const why = reason === null ? "" : `: ${printable(reason)}`;
  if (outcome === "here") return `${nameOf(item)} is here`;
  return `${outcome} ${nameOf(item)}${why}`;
}

/** As one names it to have it back. */
function nameOf({ repository, kind, tag, digest }: RestoreItem): string {
  if (tag !== null) return printable(`${repository}:${tag}`);
  if (digest === null) return printable(repository);
  return printable(`${repository}@${digest}${kind === "link" ? " (layer)" : ""}`);
}

/** `Restore 2 tags and 1 manifest (10.6 MiB)? [y/N] `. Pure. */
export function question(items: readonly RestoreItem[]): string {
  const count = (kind: RestoreItem["kind"]): number =>
    items.filter((item) => item.kind === kind).length;
  const parts = [
    ...(count("tag") > 0 ? [counted(count("tag"), "tag")] : []),
    ...(count("manifest") > 0 ? [counted(count("manifest"), "manifest")] : []),
    ...(count("link") > 0 ? [counted(count("link"), "layer")] : []),
  ];
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  return `Restore ${parts.join(" and ")} (${humanSize(bytes)})? [y/N] `;
}

/** `3 things`. Pure. */
export function thingOf(count: number): string {
  return counted(count, "thing");
}
