import type { TrashRecord } from "../../metadata/collection.ts";
import type { Digest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import { TRASH, trashPath } from "../../storage/tree.ts";
import { contentOf } from "./content.ts";
import type { TrashChoice, TrashName } from "./names.ts";
import type { Trash, TrashView } from "./place.ts";
import { type Purged, free } from "./purge.ts";
import { trashRows } from "./select.ts";

export type EmptyEvent =
  | { readonly progress: Purged }
  /** `unknown`: names that the trash has nothing of. */
  | { readonly done: Purged & { readonly unknown: readonly string[] } };

type Row = Pick<TrashRecord, "id" | "kind" | "size">;

/** Files that go with one sync. */
const AT_ONCE = 500;

/**
 * Frees part of the trash for good, or all of it. With what is named go the blobs that nothing else in the
 * trash needs. Rows of manifests and tags go first, so a crash in between leaves bytes that nothing needs,
 * and nothing that lacks bytes.
 */
export async function* emptyTrash(choice: TrashChoice, trash: Trash): AsyncGenerator<EmptyEvent> {
  const { going, unknown } = await whatGoes(choice, trash);
  const total = { entries: 0, bytes: 0 };
  const add = (freed: Purged): void => {
    total.entries += freed.entries;
    total.bytes += freed.bytes;
  };
  for (let at = 0; at < going.length; at += AT_ONCE) {
    add(await free(trash, going.slice(at, at + AT_ONCE)));
    yield { progress: { ...total } };
  }
  if (isAll(choice)) {
    for await (const { path, size } of strays(trash)) {
      await trash.storage.delete(path);
      add({ entries: 0, bytes: size });
    }
  }
  yield { done: { ...total, unknown } };
}

/** How much `emptyTrash` would free. Changes nothing. */
export async function* planEmpty(choice: TrashChoice, view: View): AsyncGenerator<EmptyEvent> {
  const { going, unknown } = await whatGoes(choice, view);
  let bytes = 0;
  for (const { id, kind } of going) {
    if (kind === "blob") bytes += (await view.storage.stat(trashPath(id)))?.size ?? 0;
  }
  if (isAll(choice)) for await (const { size } of strays(view)) bytes += size;
  yield { done: { entries: going.length, bytes, unknown } };
}

type View = Pick<TrashView, "rows" | "storage">;

/** The error that an end without all names means; null: all is as it should be. */
export function unknownNames(unknown: readonly string[]): RegistryError | null {
  if (unknown.length === 0) return null;
  const reason = `the trash has nothing called ${unknown.slice(0, 10).join(", ")}`;
  return new RegistryError("TRASH_UNKNOWN", { reason });
}

function isAll({ names, run }: TrashChoice): boolean {
  return names.length === 0 && run === null;
}

/** In the order in which they may go. */
async function whatGoes(
  choice: TrashChoice,
  trash: View,
): Promise<{ readonly going: readonly Row[]; readonly unknown: string[] }> {
  const going = new Map<number, Row>();
  /** What these need, and may not be needed by anything else. */
  const freed = new Set<Digest>();
  const take = (record: TrashRecord): void => {
    const { id, kind, size, digest } = record;
    going.set(id, { id, kind, size });
    if (kind === "tag") return;
    for (const one of [digest, ...needsOf(record)]) freed.add(one);
  };
  const unknown: string[] = [];
  for (const name of choice.names) {
    const before = going.size;
    for await (const record of trashRows(queryOf(name), trash.rows)) take(record);
    if (going.size === before) unknown.push(name.text);
  }
  if (choice.names.length === 0) {
    const query = choice.run === null ? {} : { run: choice.run };
    for await (const record of trashRows(query, trash.rows)) take(record);
  }
  if (!isAll(choice) && going.size > 0) {
    for (const record of await unneeded(freed, going, trash)) going.set(record.id, record);
  }
  // At last: what was claimed while the rows were read may be among them, and its file be about to come.
  for (const { id } of await trash.rows.listClaims()) going.delete(id);
  const ordered = [...going.values()].toSorted(
    (a, b) => Number(a.kind === "blob") - Number(b.kind === "blob") || a.id - b.id,
  );
  return { going: ordered, unknown };
}

/** The removed blobs among these that nothing needs which stays in the trash. */
async function unneeded(
  freed: Set<Digest>,
  going: ReadonlyMap<number, Row>,
  { rows }: View,
): Promise<Row[]> {
  for (const kind of ["manifest", "link"] as const) {
    for await (const record of trashRows({ kind }, rows)) {
      if (going.has(record.id)) continue;
      for (const digest of [record.digest, ...needsOf(record)]) freed.delete(digest);
    }
  }
  const found: Row[] = [];
  for (const digest of freed) {
    for await (const { id, kind, size } of trashRows({ digest, kind: "blob" }, rows)) {
      found.push({ id, kind, size });
    }
  }
  return found;
}

function needsOf({ bytes, mediaType }: TrashRecord): Digest[] {
  return bytes ? contentOf(bytes, mediaType).references.map(({ digest }) => digest) : [];
}

function queryOf({ repository, tag, digest }: TrashName) {
  return { repository, ...(tag && { tag }), ...(digest && { digest }) };
}

/** Files that no row knows: of a database that is gone. Nobody could ever restore them. */
async function* strays({
  rows,
  storage,
}: View): AsyncGenerator<{ readonly path: string; readonly size: number }> {
  let known: Set<string> | null = null;
  for await (const { name, kind } of storage.list(TRASH)) {
    if (kind !== "object") continue;
    // Only now: what came into the trash since has a row.
    known ??= new Set((await Array.fromAsync(trashRows({}, rows))).map(({ id }) => String(id)));
    const path = `${TRASH}/${name}`;
    const file = known.has(name) ? null : await storage.stat(path);
    if (file) yield { path, size: file.size };
  }
}
