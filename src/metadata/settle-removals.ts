import { type Digest, isDigest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { blobPath, readLink, revisionsPath, tagsPath } from "../storage/tree.ts";
import { type Changes, fold } from "./follow-tree.ts";
import type { JournalRecord, MetadataReads } from "./metadata.ts";

/** Something that our journal was about to write, and that the tree does not allow any more. */
export interface Conflict {
  readonly name: RepositoryName;
  readonly problem: string;
  /** Whether the journal's entry would cause the conflict. */
  covers(record: JournalRecord): boolean;
}

/** Entries that take something from a repository. */
const REMOVALS = new Set(["remove-manifest", "unlink-layer", "forget-tagged", "remove-repository"]);

/**
 * Repositories to which another registry has pushed while we were down, and from which the journal would
 * remove something. That registry saw it there: it took a tag on the manifest, or an image that names the
 * layer, without its bytes. What exactly its push relies on nobody can tell from here, so nothing goes. The
 * comparison brings back what the tree has, and what is garbage all the same is found anew.
 *
 * Somebody has pushed where the tree has a manifest or a tag that neither the tables nor the journal know.
 */
export async function pushedMeanwhile(
  records: readonly JournalRecord[],
  metadata: Pick<MetadataReads, "knownRepository">,
  storage: Storage,
): Promise<Conflict[]> {
  const changes = fold(records);
  const names = new Set<RepositoryName>();
  for (const { name, present } of [...changes.manifests.values(), ...changes.links.values()]) {
    if (!present) names.add(name);
  }
  const conflicts: Conflict[] = [];
  for (const name of names) {
    const stranger = await findStranger(name, changes, metadata, storage).catch(
      // It may be what somebody has pushed.
      (error: unknown) => `what cannot be read (${(error as Error).message}) may have been`,
    );
    if (stranger === null) continue;
    conflicts.push({
      name,
      problem: `${stranger} pushed by another program; what we had removed there stays`,
      covers: ({ entry }) => entry.name === name && REMOVALS.has(entry.op),
    });
  }
  return conflicts;
}

async function findStranger(
  name: RepositoryName,
  { manifests, tags }: Changes,
  metadata: Pick<MetadataReads, "knownRepository">,
  storage: Storage,
): Promise<string | null> {
  const known = await metadata.knownRepository(name);
  const knownTags: ReadonlyMap<string, Digest> | undefined = known?.tags;
  for await (const { name: tag } of storage.list(tagsPath(name))) {
    const bytes = await storage.readSmall(`${tagsPath(name)}/${tag}/current/link`);
    const digest = bytes && readLink(bytes);
    if (digest === null) continue;
    const isOurs = knownTags?.get(tag) === digest || tags.get(`${name} ${tag}`)?.seen.has(digest);
    if (!isOurs) return `tag ${tag} was`;
  }
  for await (const digest of digestsIn(revisionsPath(name), storage)) {
    if (known?.manifests.has(digest) || manifests.has(`${name} ${digest}`)) continue;
    // Without bytes it was never served.
    if (await storage.stat(blobPath(digest))) return `manifest ${digest} was`;
  }
  return null;
}

async function* digestsIn(folder: string, storage: Storage): AsyncGenerator<Digest> {
  for await (const { name: algorithm, kind } of storage.list(folder)) {
    if (kind !== "folder") continue;
    for await (const { name: hex } of storage.list(`${folder}/${algorithm}`)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) yield digest;
    }
  }
}
