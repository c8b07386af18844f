import { dirname } from "node:path";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import {
  blobPath,
  layersPath,
  linkBytes,
  readLink,
  tagCurrentLink,
  tagIndexLink,
  tagPath,
} from "../storage/tree.ts";
import { isBlobName } from "./repair-plan.ts";
import type { Repairable } from "./repairable.ts";

/** So often somebody else may change a link while we write it. */
const TRIES = 10;

/** Whether a link in the tree is one of a layer; otherwise of a manifest. */
export function isLayerLink(name: RepositoryName, path: string): boolean {
  return path.startsWith(`${layersPath(name)}/`);
}

/** Whether the metadata has what a link of the tree should say. */
export async function isKnown(
  name: RepositoryName,
  digest: Digest,
  path: string,
  { metadata }: Repairable,
): Promise<boolean> {
  const found = isLayerLink(name, path)
    ? await metadata.findBlob(name, digest)
    : await metadata.findManifest(name, digest);
  return found !== null;
}

/**
 * Writes a link of the tree, as the metadata have it.
 *
 * A registry that serves may remove it at the same time, and its follower the link, before ours comes. So
 * the metadata is asked again afterwards, and our link taken back if it has gone; what they say after
 * our last write is what stands, because every later change is followed later.
 */
export async function writeLink(
  name: RepositoryName,
  digest: Digest,
  path: string,
  what: Repairable,
): Promise<void> {
  const { storage } = what;
  const wasKnown = await isKnown(name, digest, path, what);
  for (let left = TRIES; left > 0; left--) {
    await storage.write([{ path, bytes: linkBytes(digest) }]);
    if (!wasKnown || (await isKnown(name, digest, path, what))) return;
    await storage.delete(dirname(path));
    if (!(await isKnown(name, digest, path, what))) return;
  }
}

/** The same for a tag. */
export async function writeTag(
  name: RepositoryName,
  tag: Tag,
  digest: Digest,
  what: Repairable,
): Promise<void> {
  const { storage, metadata } = what;
  const now = async (): Promise<Digest | null> =>
    (await metadata.findManifest(name, tag))?.digest ?? null;
  const known = await now();
  let wanted: Digest | null = known ?? digest;
  for (let left = TRIES; left > 0; left--) {
    if (wanted === null) await storage.delete(tagPath(name, tag));
    else {
      const bytes = linkBytes(wanted);
      await storage.write([
        { path: tagIndexLink(name, tag, wanted), bytes },
        { path: tagCurrentLink(name, tag), bytes },
      ]);
    }
    // Of a tag that only the tree has, nobody else writes the link.
    const after: Digest | null = known === null ? wanted : await now();
    if (after === wanted) return;
    wanted = after;
  }
}

/** What a tag's folder says that it has named, as far as the bytes are still there. */
export async function namedBefore(
  name: RepositoryName,
  tag: Tag,
  { storage }: Repairable,
): Promise<{ readonly all: Digest[]; readonly there: Digest[] }> {
  const all: Digest[] = [];
  const there: Digest[] = [];
  const index = `${tagPath(name, tag)}/index`;
  for await (const algorithm of storage.list(index)) {
    for await (const { name: hex } of storage.list(`${index}/${algorithm.name}`)) {
      const digest = isBlobName(algorithm.name, hex);
      if (!digest) continue;
      all.push(digest);
      if (await storage.stat(blobPath(digest))) there.push(digest);
    }
  }
  return { all, there };
}

/** Takes a link out of the tree that leads nowhere; what it said goes to the trash, if it said something. */
export async function dropLink(
  name: RepositoryName,
  digest: Digest,
  path: string,
  what: Repairable,
): Promise<string | null> {
  const { storage, metadata, trash, now, state } = what;
  const linked = isLayerLink(name, path) && (await metadata.findBlob(name, digest)) !== null;
  if (linked && state !== "foreign") {
    const { neededBy } = await metadata.unlinkBlob(name, digest, now());
    return neededBy.length > 0 ? `${neededBy[0]} needs it` : null;
  }
  const content = await storage.readSmall(path);
  // A registry that nobody sees may have pushed it since.
  if (content && readLink(content) === digest && (await storage.stat(blobPath(digest))))
    return null;
  if (content && readLink(content)) {
    await trash?.addTrash([
      {
        run: null,
        kind: "link",
        repository: name,
        tag: null,
        digest,
        size: 0,
        mediaType: null,
        bytes: null,
        madeAt: now(),
        removedAt: now(),
        reason: "its bytes are nowhere",
        removedBy: null,
      },
    ]);
  }
  await storage.delete(dirname(path));
  await storage.write([]);
  return null;
}
