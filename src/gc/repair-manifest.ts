import { type SnapshotManifest, type TagRecord, UNKNOWN_REPOSITORY } from "../metadata/metadata.ts";
import { paged } from "../metadata/paged.ts";
import { readStoredManifest } from "../metadata/stored-manifest.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { blobPath, revisionLink } from "../storage/tree.ts";
import type { Repairable } from "./repairable.ts";

const ALL = { blobs: "all", manifests: "all", tags: "all" } as const;

/** Makes a repository know a manifest of which the file is right. Null when that is done, else why not. */
export async function addManifest(
  name: RepositoryName,
  digest: Digest,
  what: Repairable,
): Promise<string | null> {
  const manifest = await readFile(name, digest, what);
  if (typeof manifest === "string") return manifest;
  const readAt = what.now();
  const added = {
    name,
    readAt,
    blobs: [],
    manifests: [manifest],
    tags: [],
    keep: ALL,
    lost: [digest],
  };
  await what.metadata.replaceRepository(added);
  return null;
}

/**
 * The same for one that it knows wrongly: it is forgotten with its tags, and taken anew with them. Cut off
 * in between, tree and links are still there, and the next comparison takes up both.
 */
export async function renewManifest(
  name: RepositoryName,
  digest: Digest,
  what: Repairable,
): Promise<string | null> {
  const manifest = await readFile(name, digest, what);
  if (typeof manifest === "string") return manifest;
  const { metadata } = what;
  const known = (await metadata.knownRepository(name)) ?? UNKNOWN_REPOSITORY;
  const all = paged(
    { last: null, limit: 1000 },
    (page) => metadata.listTags(name, page),
    ({ tag }) => tag,
  );
  const tags: TagRecord[] = [];
  for await (const record of all) if (record.digest === digest) tags.push(record);
  const named = new Set(tags.map(({ tag }) => tag));
  const nothing = { name, readAt: what.now(), blobs: [], manifests: [], tags: [] };
  const others = {
    blobs: ALL.blobs,
    manifests: new Set([...known.manifests.keys()].filter((one) => one !== digest)),
    tags: new Set([...known.tags.keys()].filter((tag) => !named.has(tag))),
  };
  await metadata.replaceRepository({ ...nothing, keep: others });
  await metadata.replaceRepository({ ...nothing, manifests: [manifest], tags, keep: ALL });
  return null;
}

async function readFile(
  name: RepositoryName,
  digest: Digest,
  { metadata, storage, now }: Repairable,
): Promise<SnapshotManifest | string> {
  const bytes = await storage.readSmall(blobPath(digest));
  if (!bytes) return "its bytes have gone meanwhile";
  const { blobs } = (await metadata.knownRepository(name)) ?? UNKNOWN_REPOSITORY;
  let doubt: string | null = null;
  const read = readStoredManifest(bytes, blobs, (problem) => void (doubt ??= problem));
  if (!read) return "it is not a manifest that can be read";
  const linked = await storage.stat(revisionLink(name, digest));
  return { digest, bytes, pushedAt: Math.min(linked?.modifiedAt ?? now(), now()), doubt, ...read };
}
