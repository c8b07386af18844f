import type { Digest } from "../oci/digest.ts";
import { TRASH, trashPath } from "../storage/tree.ts";
import type { Checkable } from "./checkable.ts";
import type { Finding } from "./finding.ts";

const AT_ONCE = 500;
/** Milliseconds that a purge has between a file and its row. */
const PAUSE_MS = 1000;

/**
 * Whether the trash has the bytes that it lists, and lists what it has. While somebody empties it, a look may
 * see one half of that: what both of two looks find is yielded. `serving`: somebody may.
 */
export async function* checkTrash(what: Checkable, serving: boolean): AsyncGenerator<Finding> {
  const first = await look(what);
  if (first.size === 0) return;
  if (serving) await Bun.sleep(PAUSE_MS);
  const second = serving ? await look(what) : first;
  for (const [path, finding] of second) if (first.has(path)) yield finding;
}

async function look({ trash, storage }: Checkable): Promise<Map<string, Finding>> {
  const found = new Map<string, Finding>();
  if (!trash) return found;
  // Before the rows: a claim has one already, and its file is still on the way.
  const leaving = new Set((await trash.listClaims()).map(({ id }) => id));
  const add = (
    cause: Finding["cause"],
    digest: Digest | null,
    path: string,
    problem: string,
  ): void => {
    found.set(path, { kind: "unused", cause, repository: null, images: [], digest, path, problem });
  };
  const files = new Set<string>();
  for await (const { name } of storage.list(TRASH)) files.add(name);
  for (let before: number | undefined; ;) {
    const rows = await trash.listTrash({
      kind: "blob",
      limit: AT_ONCE,
      ...(before !== undefined && { before }),
    });
    for (const { id, digest } of rows) {
      if (files.delete(String(id)) || leaving.has(id)) continue;
      add("trash-row", digest, trashPath(id), "the trash lists it, and does not have its bytes");
    }
    const last = rows.at(-1);
    if (!last || rows.length < AT_ONCE) break;
    before = last.id;
    await new Promise(setImmediate);
  }
  for (const name of files) {
    if (name.startsWith(".")) continue;
    add("trash-file", null, `${TRASH}/${name}`, "it lies in the trash, which does not list it");
  }
  return found;
}
