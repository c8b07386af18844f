import type { Storage } from "../storage/storage.ts";
import { blobPath, readLink, tagCurrentLink } from "../storage/tree.ts";
import { fold, followTree } from "./follow-tree.ts";
import type { JournalRecord, Metadata } from "./metadata.ts";
import { type Conflict, pushedMeanwhile } from "./settle-removals.ts";

/**
 * At start: brings what the last run did not finish into the tree. Returns what it left out, with the
 * reason: of that the tree knows more than our tables, which the comparison that follows every start
 * brings to what the tree says. Until it has, nobody is answered about those repositories.
 *
 * While we were down another registry may have served the tree. A tag is touched only where the tree
 * still shows what we last saw, or a link that is torn (our own unfinished write); a layer is linked
 * only where its bytes still are; and nothing is removed from a repository to which somebody has pushed.
 */
export async function settleJournal(metadata: Metadata, storage: Storage): Promise<Conflict[]> {
  const records = await metadata.readJournal(Number.MAX_SAFE_INTEGER);
  const last = records.at(-1);
  if (!last) return [];
  const conflicts = [
    ...(await movedTags(records, storage)),
    ...(await pushedMeanwhile(records, metadata, storage)),
  ];
  const agreed = without(conflicts, records);
  // What is not unlinked any more is linked.
  const lost = await lostLayers(agreed, metadata, storage);
  conflicts.push(...lost);
  await followTree(without(lost, agreed), metadata, storage, { trusting: false });
  await metadata.retireJournal(last.id);
  return conflicts;
}

function without(
  conflicts: readonly Conflict[],
  records: readonly JournalRecord[],
): readonly JournalRecord[] {
  if (conflicts.length === 0) return records;
  return records.filter((record) => !conflicts.some((conflict) => conflict.covers(record)));
}

async function movedTags(records: readonly JournalRecord[], storage: Storage): Promise<Conflict[]> {
  const conflicts: Conflict[] = [];
  for (const { name, tag, final, seen } of fold(records).tags.values()) {
    const bytes = await storage.readSmall(tagCurrentLink(name, tag));
    const found = bytes && readLink(bytes);
    const torn = bytes !== null && found === null;
    if (torn || seen.has(found)) continue;
    // A tag whose manifest is not there was never served, and our push did not see it.
    if (found !== null && !(await storage.stat(blobPath(found)))) continue;
    const theirs = found === null ? "removed" : `moved to ${found}`;
    conflicts.push({
      name,
      problem: `tag ${tag} was ${theirs} by another program; our ${final ?? "deletion"} is not applied`,
      covers: ({ entry }) => "tag" in entry && entry.name === name && entry.tag === tag,
    });
  }
  return conflicts;
}

async function lostLayers(
  records: readonly JournalRecord[],
  metadata: Metadata,
  storage: Storage,
): Promise<Conflict[]> {
  const conflicts: Conflict[] = [];
  for (const { name, digest, present } of fold(records).links.values()) {
    if (!present || (await storage.stat(blobPath(digest)))) continue;
    if (await metadata.readContent(digest)) continue;
    conflicts.push({
      name,
      problem: `the bytes of ${digest} were removed by another program; it is not linked`,
      covers: ({ entry }) =>
        entry.op === "link-layer" && entry.name === name && entry.digest === digest,
    });
  }
  return conflicts;
}
