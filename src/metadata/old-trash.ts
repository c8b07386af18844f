import type { Storage } from "../storage/storage.ts";
import { TRASH } from "../storage/tree.ts";
import type { CollectionWrites } from "./collection.ts";

/**
 * Lets no removal get the name of a file that lies in the trash already. Where the metadata was lost, or an
 * older one was put in its place, its ids begin again, and that file would be taken for what was moved there,
 * or be written over. To be called before anything is removed or claimed.
 */
export async function passOldTrash(
  metadata: Pick<CollectionWrites, "passTrash">,
  storage: Pick<Storage, "list">,
): Promise<void> {
  let highest = 0;
  for await (const { name } of storage.list(TRASH)) {
    const id = /^[1-9][0-9]*$/.test(name) ? Number(name) : 0;
    if (Number.isSafeInteger(id)) highest = Math.max(highest, id);
  }
  if (highest > 0) await metadata.passTrash(highest);
}
