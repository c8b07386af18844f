import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type BackupDocument, type Earlier, invalid, parseDocument } from "./document.ts";
import { readEntries } from "./entries.ts";
import { listDigest, readList } from "./list.ts";
import { placeOf } from "./place.ts";
import type { SetRepository } from "./set.ts";
import type { FoundRepository, Survey } from "./survey.ts";

/** What is to be restored, out of all sources together. */
export interface WholeSet {
  /** The newest: its links are those that are restored. */
  readonly head: Survey;
  readonly repositories: readonly SetRepository[];
  /** Each blob that is needed: its size, and the source that has it. */
  readonly blobs: ReadonlyMap<Digest, { readonly size: number; readonly source: string }>;
  /** What is broken in it, and left out. */
  readonly problems: readonly string[];
}

/**
 * Puts a set together from the newest backup and those that it builds on, given in any order. Pure.
 *
 * Throws BACKUP_INVALID when one of the chain is missing, and names it; when one is given that is not of
 * the chain; when what they have together is not what the list of the newest says.
 */
export function wholeSet(surveys: readonly Survey[]): WholeSet {
  const head = headOf(surveys);
  const { document } = head;
  checkChain(head, surveys);
  const blobs = new Map<Digest, { size: number; source: string }>();
  for (const { blobs: own, source } of [head, ...surveys]) {
    for (const [digest, size] of own) if (!blobs.has(digest)) blobs.set(digest, { size, source });
  }
  const problems = [...head.problems];
  const repositories = [...head.repositories].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (!document || !head.listed) {
    const sets = repositories.map(([name, found]) => served(name, found, blobs, problems));
    return { head, repositories: sets.filter((one) => one !== null), blobs, problems };
  }
  for (const [digest, size] of head.listed) {
    const found = blobs.get(digest);
    if (found?.size === size) continue;
    throw invalid(head.source, `its list names ${digest} with ${size} bytes, which is not there`);
  }
  const sets = repositories.map(([name, found]) => setOf(name, found));
  if (listDigest(sets, head.listed) !== document.list) {
    throw invalid(
      head.source,
      "its links are not those of its list: it was changed, or lacks some",
    );
  }
  return { head, repositories: sets, blobs, problems };
}

/** The one that builds on all others. */
function headOf(surveys: readonly Survey[]): Survey {
  const [first, ...others] = surveys.toSorted(
    (a, b) => (b.document?.chain.length ?? 0) - (a.document?.chain.length ?? 0) || newer(a, b),
  );
  if (!first) throw new RegistryError("USAGE", { reason: "say which backup" });
  if (others.length === 0) return first;
  for (const { document, source } of others) {
    const known = document && first.document?.chain.some(({ id }) => id === document.id);
    if (known) continue;
    throw invalid(source, `${first.source} does not build on it; restore one after the other`);
  }
  return first;
}

function newer(a: Survey, b: Survey): number {
  return (b.document?.at ?? "") < (a.document?.at ?? "") ? -1 : 1;
}

function checkChain(head: Survey, surveys: readonly Survey[]): void {
  const given = new Set(surveys.map(({ document }) => document?.id));
  const missing = (head.document?.chain ?? []).filter(({ id }) => !given.has(id));
  if (missing.length === 0) return;
  const named = missing.map(({ at, id }) => `the one of ${at} (${id})`).join(", ");
  throw invalid(head.source, `it builds on earlier backups, of which you did not give ${named}`);
}

function setOf(name: RepositoryName, found: FoundRepository): SetRepository {
  return {
    name,
    tags: [...found.tags.values()],
    manifests: [...found.manifests],
    layers: [...found.layers],
  };
}

/** Of a tree of which nobody says that it is whole: what of it can be served. Null: nothing. */
function served(
  name: RepositoryName,
  found: FoundRepository,
  blobs: ReadonlyMap<Digest, unknown>,
  problems: string[],
): SetRepository | null {
  const whole = setOf(name, found);
  const layers = whole.layers.filter((digest) => blobs.has(digest));
  const manifests = whole.manifests.filter((digest) => blobs.has(digest));
  const there = new Set(manifests);
  const tags = whole.tags.filter(({ digest }) => there.has(digest));
  const without = whole.layers.length - layers.length;
  if (without > 0) problems.push(`${name}: the bytes of ${without} linked blobs are not there`);
  for (const digest of whole.manifests) {
    if (!there.has(digest)) problems.push(`${name}: the manifest ${digest} is not there`);
  }
  for (const { tag, digest } of whole.tags) {
    if (!there.has(digest)) problems.push(`${name}:${tag} names ${digest}, which is not there`);
  }
  return layers.length + manifests.length > 0 ? { name, layers, manifests, tags } : null;
}

/** What an earlier backup has, for one that builds on it: read up to the end of its list. */
export async function readEarlier(
  source: string,
): Promise<{ readonly blobs: Set<Digest>; readonly chain: readonly Earlier[] }> {
  let document: BackupDocument | null = null;
  for await (const { path, body, size } of readEntries(source)) {
    const { is } = placeOf(path);
    if (is === "unfinished") break;
    if (is === "document" && size < 16 * 1024 * 1024) {
      document = parseDocument(Buffer.concat(await Array.fromAsync(body)), source);
    }
    if (is !== "list" || !document) continue;
    const list = await readList(body, source);
    if (list.digest !== document.list) break;
    const { id, at, chain } = document;
    return { blobs: new Set(list.blobs.keys()), chain: [{ id, at }, ...chain] };
  }
  throw invalid(source, "it is no whole backup of ours, on which another one could build");
}
