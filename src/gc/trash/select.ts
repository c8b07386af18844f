import type { TrashRecord } from "../../metadata/collection.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import type { RepositoryName } from "../../oci/name.ts";
import { type Tag, isTag } from "../../oci/reference.ts";
import type { TrashChoice, TrashName } from "./names.ts";
import type { TrashReads, TrashView } from "./place.ts";

/** Something that is wanted back, with all that it needs. */
export interface Wanted {
  readonly repository: RepositoryName;
  readonly kind: "tag" | "manifest" | "link";
  readonly tag: Tag | null;
  readonly digest: Digest;
  /** The row in the trash that says so. */
  readonly row: number;
  /** The tag was moved away from it, and somebody named it to have that undone: what it was moved to. */
  readonly movedTo: Digest | null;
}

/** A name of which the trash knows nothing; `here`: there is such a thing, so there is nothing to do. */
export interface Unknown {
  readonly name: TrashName;
  readonly here: Digest | null;
}

/** Rows that are looked at together. */
const AT_ONCE = 200;

/**
 * What a choice means, repository by repository, tags before manifests before links: what a tag brings
 * back need not be looked for again.
 *
 * Of several versions of a tag it is the newest removal, or the one whose digest was named. Blobs that
 * nothing in the trash needs stay there: nobody could pull them.
 */
export async function select(
  choice: TrashChoice,
  place: TrashView,
): Promise<{ readonly wanted: Map<RepositoryName, Wanted[]>; readonly unknown: Unknown[] }> {
  const found = new Map<string, Wanted>();
  const unknown: Unknown[] = [];
  for (const name of choice.names) {
    const those = await byName(name, place);
    if (those.length === 0) unknown.push({ name, here: await whatIsHere(name, place) });
    add(found, those);
  }
  if (choice.names.length === 0) {
    const query = choice.run === null ? {} : { run: choice.run };
    add(found, await all(query, place.rows));
  }
  const order = ["tag", "manifest", "link"];
  const sorted = [...found.values()].toSorted(
    (a, b) => order.indexOf(a.kind) - order.indexOf(b.kind),
  );
  return { wanted: Map.groupBy(sorted, ({ repository }) => repository), unknown };
}

async function byName({ repository, tag, digest }: TrashName, place: TrashView): Promise<Wanted[]> {
  const { rows } = place;
  const which = { repository, ...(digest && { digest }) };
  if (tag) {
    const [row] = await rows.listTrash({ ...which, tag, kind: "tag", limit: 1 });
    const wanted = row && wantedBy(row);
    if (!wanted) return [];
    return [{ ...wanted, movedTo: movedTo(row) }, ...(await followers(wanted, rows))];
  }
  if (!digest) return await all({ repository }, rows);
  for (const kind of ["manifest", "link"] as const) {
    const [row] = await rows.listTrash({ ...which, kind, limit: 1 });
    const wanted = row && wantedBy(row);
    if (wanted) return [wanted, ...(await followers(wanted, rows))];
  }
  return [];
}

/** What tags of signatures, attestations and referrers end in, behind the digest of what they are about. */
const SUFFIXES = [".sig", ".att", ".sbom", ""];

/** Tags about a manifest (cosign's, and the fallback of referrers) that went after it: they come back with it. */
async function followers(
  { repository, digest, row }: Wanted,
  rows: TrashReads,
): Promise<readonly Wanted[]> {
  const found: Wanted[] = [];
  for (const suffix of SUFFIXES) {
    const tag = `${digest.replace(":", "-")}${suffix}`;
    if (!isTag(tag)) continue;
    const [newest] = await rows.listTrash({ repository, tag, kind: "tag", limit: 1 });
    const wanted = newest && newest.id > row ? wantedBy(newest) : null;
    if (wanted) found.push(wanted);
  }
  return found;
}

async function all(
  query: { readonly repository?: RepositoryName; readonly run?: number },
  rows: TrashReads,
): Promise<Wanted[]> {
  const found: Wanted[] = [];
  for await (const row of trashRows(query, rows)) {
    const wanted = wantedBy(row);
    if (wanted) found.push(wanted);
  }
  return found;
}

/** The newest removals first. */
export async function* trashRows(
  query: Omit<Parameters<TrashReads["listTrash"]>[0], "limit" | "before">,
  rows: Pick<TrashReads, "listTrash">,
): AsyncGenerator<TrashRecord> {
  for (let before: number | undefined; ;) {
    const paged = { ...query, limit: AT_ONCE, ...(before !== undefined && { before }) };
    const page = await rows.listTrash(paged);
    yield* page;
    before = page.at(-1)?.id;
    if (page.length < AT_ONCE || before === undefined) return;
    await new Promise(setImmediate);
  }
}

function wantedBy({ kind, repository, tag, digest, id }: TrashRecord): Wanted | null {
  if (kind === "blob" || repository === null) return null;
  return { repository, kind, tag, digest, row: id, movedTo: null };
}

/** The first that is named wins: the newest removal of its kind. */
function add(found: Map<string, Wanted>, wanted: readonly Wanted[]): void {
  for (const one of wanted) {
    const key = `${one.kind} ${one.repository} ${one.tag ?? one.digest}`;
    if (!found.has(key)) found.set(key, one);
  }
}

/** What a tag was moved to when this removal was written down; null: it was deleted. */
export function movedTo({ kind, reason }: Pick<TrashRecord, "kind" | "reason">): Digest | null {
  const digest = /^moved to (\S+)$/.exec(reason)?.[1];
  return kind === "tag" && digest !== undefined && isDigest(digest) ? digest : null;
}

async function whatIsHere(
  { repository, tag, digest }: TrashName,
  place: TrashView,
): Promise<Digest | null> {
  if (tag) {
    const named = await place.tag(repository, tag);
    return digest === null || named === digest ? named : null;
  }
  if (!digest) return null;
  const here =
    (await place.manifest(repository, digest)) ?? (await place.linked(repository, digest));
  return here === null ? null : digest;
}
