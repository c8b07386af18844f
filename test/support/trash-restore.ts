import { expect } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseChoice } from "../../src/gc/trash/names.ts";
import { type RestoreEvent, type RestoreItem, restoreTrash } from "../../src/gc/trash/restore.ts";
import type { TrashWorld } from "./trash-world.ts";

/** Restores what is named, or all of it, and tells what became of each thing. */
export async function restored(world: TrashWorld, ...names: string[]): Promise<RestoreItem[]> {
  return await itemsOf(restoreTrash(parseChoice(names, null, names.length === 0), world.place));
}

export async function itemsOf(events: AsyncGenerator<RestoreEvent>): Promise<RestoreItem[]> {
  const all = await Array.fromAsync(events);
  expect(all.at(-1)).toContainKey("done");
  return all.flatMap((event) => ("item" in event ? [event.item] : []));
}

/** A line each: `restored team/app:1.0`. */
export const told = (found: readonly RestoreItem[]): string[] =>
  found.map(({ outcome, repository, tag, digest }) =>
    [outcome, `${repository}${tag === null ? `@${digest}` : `:${tag}`}`].join(" "),
  );

/** What the trash has of bytes, in files. */
export async function trashedFiles({ data }: TrashWorld): Promise<string[]> {
  return await readdir(join(data, "wharfinger", "trash")).catch(() => []);
}
