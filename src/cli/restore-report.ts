import type { WholeSet } from "../backup/chain.ts";
import { type PlannedTag, type RestorePlan, countTags } from "../backup/plan.ts";
import type { Missing, Restored } from "../backup/target.ts";
import { counted, humanSize, shortDigest } from "./units.ts";

/** Repositories that are named one by one; the document of --json has all. */
const MOST_NAMED = 50;
const MOST_PROBLEMS = 50;

/** What a restore would do, for people. Pure. */
export function planLines(
  target: string,
  plan: RestorePlan,
  { head, problems }: Pick<WholeSet, "head" | "problems">,
  missing: Missing,
): string[] {
  const from = head.document ? `the backup of ${head.document.at}` : head.source;
  const lines = [`To restore into ${target}, from ${from}:`];
  for (const { name, isNew, manifests, planned } of plan.repositories.slice(0, MOST_NAMED)) {
    const parts = [isNew ? "new" : "there already", counted(manifests.length, "manifest")];
    lines.push(`  ${name}  (${[...parts, ...tagParts(planned)].join(", ")})`);
  }
  const more = plan.repositories.length - MOST_NAMED;
  if (more > 0) lines.push(`  and ${more} more repositories`);
  const links = missing.links === null ? "" : `, and ${counted(missing.links, "link")}`;
  lines.push(
    missing.blobs === 0 && missing.links === 0
      ? "  all of it is there already"
      : `  to bring: ${counted(missing.blobs, "blob")} (${humanSize(missing.bytes)})${links}`,
  );
  for (const problem of problems.slice(0, MOST_PROBLEMS)) lines.push(`  left out: ${problem}`);
  const others = problems.length - MOST_PROBLEMS;
  if (others > 0) lines.push(`  left out: ${others} more`);
  if (head.strangers > 0)
    lines.push(`  not looked at: ${counted(head.strangers, "file")} of no registry`);
  if (head.configuration) {
    lines.push("  it has a configuration, in wharfinger/configuration: take it out by hand");
  }
  return lines;
}

function tagParts(planned: readonly PlannedTag[]): string[] {
  const counts = countTags({ repositories: [{ planned }] });
  const says = [
    [counts.added, "to add"],
    [counts.moved, "to move"],
    [counts.same, "unchanged"],
    [counts.kept, "kept, because it names something else"],
  ] as const;
  return says
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${counted(count, "tag")} ${what}`);
}

/** A line for each tag that names something else. Pure. */
export function keptLines({ repositories }: RestorePlan): string[] {
  return repositories.flatMap(({ name, planned }) =>
    planned
      .filter(({ does }) => does === "kept")
      .map(
        ({ tag, digest, now }) =>
          `kept ${name}:${tag}: it names ${shortDigest(now ?? "")}, in the backup ${shortDigest(digest)}`,
      ),
  );
}

/** The last line. Pure. */
export function summary(target: string, plan: RestorePlan, { blobs, bytes }: Restored): string {
  const { added, moved } = countTags(plan);
  const count = plan.repositories.length;
  const tags = [counted(added, "tag") + " added", ...(moved > 0 ? [`${moved} moved`] : [])];
  return `restored ${counted(count, "repository")} into ${target}: ${tags.join(", ")}, ${counted(blobs, "blob")} brought (${humanSize(bytes)})`;
}
