import type { Leftover } from "../metadata/collection.ts";
import { Findings } from "../metadata/tree-problem.ts";
import { MARKS_OR_UPLOADS, walkRepositories } from "../metadata/walk-repositories.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import {
  blobPath,
  layersPath,
  revisionLink,
  revisionsPath,
  tagHistoryPath,
  tagPath,
  tagsPath,
  uploadsPath,
} from "../storage/tree.ts";
import { ForeignWriter, type RunParts, goOn, policyOf } from "./collect-run.ts";
import { youngest } from "./foreign.ts";
import type { RunReport } from "./run-report.ts";

/**
 * What other registries leave in a tree beside content, which the queue cannot know of: it is looked for
 * when somebody asks, repository by repository. What is younger than the grace, or than our start, stays.
 * So does all of a repository of which something could not be read (`clear` looks).
 */
export async function clearLeftovers(
  id: number,
  parts: RunParts,
  report: RunReport,
): Promise<void> {
  const { metadata, storage } = parts.registry;
  for await (const name of walkRepositories(storage, new Findings(), MARKS_OR_UPLOADS)) {
    goOn(parts);
    report.uploads += await removeUploadsOf(name, id, parts);
    // Until its owner's yes, what lies beside content waits as well.
    if (parts.waitingUntil !== null) continue;
    const leftovers = await leftoversOf(name, id, parts);
    if (!(await metadata.hasRepository(name))) leftovers.push({ kind: "repository" });
    if (leftovers.length === 0) continue;
    await parts.pace.take(leftovers.length);
    const cleared = await metadata.clear(name, leftovers);
    // Folders without anything in them are not worth a word.
    const said = leftovers.filter(({ kind }) => kind !== "repository").length;
    report.leftovers += Math.min(said, cleared);
  }
}

/**
 * Removes unfinished uploads that another registry has left: here nobody can go on with them. One that is
 * younger than our start is no leftover. Throws ForeignWriter.
 */
async function removeUploadsOf(name: RepositoryName, id: number, parts: RunParts): Promise<number> {
  const { storage } = parts.registry;
  const { seenBefore, waitingUntil } = policyOf(id, parts);
  const folder = uploadsPath(name);
  const entries = await Array.fromAsync(storage.list(folder));
  let removed = 0;
  for (const { name: upload, kind } of entries) {
    if (kind !== "folder") continue;
    const path = `${folder}/${upload}`;
    const time = await youngest(path, storage);
    if (time >= parts.openSince) throw new ForeignWriter(path);
    const waits = waitingUntil !== null && time <= waitingUntil;
    // Without any file it has no time, and may be about to get one.
    if (time === 0 || time >= seenBefore || waits) continue;
    await parts.pace.take(1);
    await storage.delete(path);
    removed++;
  }
  if (removed > 0 && removed === entries.length) await storage.delete(folder);
  return removed;
}

/** The tree is listed before the tables are asked: what comes in between is known then, and was not seen here. */
async function leftoversOf(name: RepositoryName, id: number, parts: RunParts): Promise<Leftover[]> {
  const { metadata, storage } = parts.registry;
  const before = Math.min(policyOf(id, parts).seenBefore, parts.openSince);
  const isOld = async (folder: string): Promise<boolean> =>
    (await youngest(folder, storage)) < before;
  const layers = await Array.fromAsync(digestsIn(layersPath(name), storage));
  const revisions = await Array.fromAsync(digestsIn(revisionsPath(name), storage));
  const tags = await tagsIn(name, storage);
  const history: { tag: Tag; digest: Digest; path: string }[] = [];
  for (const tag of tags) {
    for await (const one of digestsIn(tagHistoryPath(name, tag), storage)) {
      history.push({ tag, ...one });
    }
  }
  const known = await metadata.knownRepository(name);

  const found: Leftover[] = [];
  for (const { digest, path } of layers) {
    if (known?.blobs.has(digest) || !(await isOld(path))) continue;
    // With its bytes it is content, whatever the tables say: not every repository is compared in each life.
    const isContent =
      (await storage.stat(`${path}/link`)) && (await storage.stat(blobPath(digest)));
    if (!isContent) found.push({ kind: "link", digest });
  }
  for (const { digest, path } of revisions) {
    if (known?.manifests.has(digest) || !(await isOld(path))) continue;
    if (!(await storage.stat(`${path}/link`))) found.push({ kind: "manifest", digest });
  }
  const young = new Set<Tag>();
  for (const { tag, digest, path } of history) {
    if (known?.manifests.has(digest)) continue;
    if (await storage.stat(revisionLink(name, digest))) continue;
    if (!(await isOld(path))) young.add(tag);
    else if (known?.tags.has(tag)) found.push({ kind: "history", tag, digest });
  }
  for (const tag of tags) {
    if (known?.tags.has(tag) || young.has(tag)) continue;
    const current = `${tagPath(name, tag)}/current`;
    if ((await isOld(current)) && !(await storage.stat(`${current}/link`))) {
      found.push({ kind: "tag", tag });
    }
  }
  return found;
}

type Looked = RunParts["registry"]["storage"];

async function tagsIn(name: RepositoryName, storage: Looked): Promise<Tag[]> {
  const entries = await Array.fromAsync(storage.list(tagsPath(name)));
  return entries
    .filter(({ kind }) => kind === "folder")
    .map((entry) => entry.name)
    .filter(isTag);
}

/** The folders of links in a folder. */
async function* digestsIn(
  folder: string,
  storage: Looked,
): AsyncGenerator<{ readonly digest: Digest; readonly path: string }> {
  for await (const { name: algorithm, kind } of storage.list(folder)) {
    if (kind !== "folder") continue;
    for await (const { name: hex } of storage.list(`${folder}/${algorithm}`)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) yield { digest, path: `${folder}/${algorithm}/${hex}` };
    }
  }
}
