import type { Digest } from "../../oci/digest.ts";
import type { RepositoryName } from "../../oci/name.ts";
import { trashPath } from "../../storage/tree.ts";
import { MOST_COPIES } from "./bytes.ts";
import type { LostBlob, TrashPlace } from "./place.ts";

/**
 * Forgets what the trash had of things that are here again. Files that are still there lie in the tree a
 * second time, so they go; of digests that just come or leave nothing is touched (`keeping`). `here`: what was
 * here before; of that only those rows go that have no bytes.
 */
export async function tidyRows(
  place: TrashPlace,
  name: RepositoryName,
  back: {
    readonly rows: readonly number[];
    readonly manifests: readonly Digest[];
    readonly blobs: readonly LostBlob[];
    readonly here: readonly Digest[];
  },
): Promise<void> {
  const { rows, storage } = place;
  const gone = new Set<number>(back.rows);
  const manifests = new Set(back.manifests);
  for (const digest of new Set([...manifests, ...back.blobs.map((blob) => blob.digest)])) {
    for (const kind of ["manifest", "link"] as const) {
      const query = { repository: name, digest, kind, limit: MOST_COPIES };
      for (const { id } of await rows.listTrash(query)) gone.add(id);
    }
    await place.keeping(digest, async () => {
      const copies = await rows.listTrash({ digest, kind: "blob", limit: MOST_COPIES });
      if (copies.length === 0) return;
      // A manifest of ours is in its row; the tree has its bytes a little later.
      if (!manifests.has(digest) && !(await place.open(digest))) return;
      for (const { id } of copies) {
        await storage.delete(trashPath(id));
        gone.add(id);
      }
    });
  }
  for (const digest of back.here) {
    // A restore that was cut off has moved its bytes already, and left its row.
    await place.keeping(digest, async () => {
      for (const { id } of await rows.listTrash({ digest, kind: "blob", limit: MOST_COPIES })) {
        if ((await storage.stat(trashPath(id))) === null) gone.add(id);
      }
    });
  }
  if (gone.size === 0) return;
  // A name that comes back after a power cut must find its row, or nobody would ever remove it.
  await storage.write([]);
  await rows.removeTrash([...gone]);
}
