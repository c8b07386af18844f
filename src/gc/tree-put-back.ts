import type { TrashRecord } from "../metadata/collection.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { moveBack } from "../storage/removals.ts";
import type { SmallObject } from "../storage/storage.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import {
  blobPath,
  layerLink,
  leavingPath,
  linkBytes,
  revisionLink,
  trashPath,
} from "../storage/tree.ts";
import type { Missing } from "./tree-look.ts";

/** What of a repository was removed in this run without a row in the trash: of a purge. */
export interface Purged {
  has(repository: RepositoryName, digest: Digest): "manifest" | "link" | null;
}

export interface PutBackCounts {
  blobs: number;
  links: number;
}

/** Copies of the same bytes in the trash that are tried. */
const MOST_COPIES = 20;

/**
 * Puts back what somebody needs, and was removed by this run or one before: bytes from the trash or from
 * what is leaving, then the links. Returns how many; what is nowhere stays missing.
 *
 * Bytes come before links, as with a push, and rows of the trash go when what they tell of is durable again.
 */
export async function putBack(
  missing: readonly Missing[],
  files: TreeFiles,
  metadata: Pick<Metadata, "listTrash" | "removeTrash"> | null,
  purged: Purged,
): Promise<PutBackCounts> {
  const counts = { blobs: 0, links: 0 };
  const storage = filesystemStorage(files.root);
  const back: number[] = [];
  const links: SmallObject[] = [];
  const tried = new Set<Digest>();
  for (const { digest } of missing) {
    if (tried.has(digest) || isThere(blobPath(digest), files)) continue;
    tried.add(digest);
    if (moveBack(files.root, leavingPath(digest), blobPath(digest))) {
      counts.blobs++;
      continue;
    }
    const rows = await metadata?.listTrash({ digest, kind: "blob", limit: MOST_COPIES });
    const row = rows?.find(({ id }) => files.look(trashPath(id)) !== null);
    if (!row) continue;
    await storage.move(trashPath(row.id), blobPath(digest));
    back.push(row.id);
    counts.blobs++;
  }
  for (const { repository, digest, what } of missing) {
    if (what === "bytes" || !isThere(blobPath(digest), files)) continue;
    const rows = (await metadata?.listTrash({ repository, digest, limit: MOST_COPIES })) ?? [];
    const kinds = new Set<string | null>(rows.map(({ kind }) => kind));
    kinds.add(purged.has(repository, digest));
    if (kinds.has("manifest")) links.push(linkTo(revisionLink(repository, digest), digest));
    if (kinds.has("link") && what === "link")
      links.push(linkTo(layerLink(repository, digest), digest));
    back.push(...rows.filter(isLink).map(({ id }) => id));
  }
  // Makes the moves durable as well.
  if (counts.blobs + links.length > 0) await storage.write(links);
  if (back.length > 0) await metadata?.removeTrash(back);
  counts.links += links.length;
  return counts;
}

/** Whatever is there, and be it something else or closed to us: nothing is put over it. */
function isThere(path: string, files: TreeFiles): boolean {
  try {
    return files.look(path) !== null;
  } catch {
    return true;
  }
}

function linkTo(path: string, digest: Digest): SmallObject {
  return { path, bytes: linkBytes(digest) };
}

function isLink({ kind }: TrashRecord): boolean {
  return kind === "manifest" || kind === "link";
}
