import type { MetadataReads } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import { isDigest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import {
  layerLink,
  layersPath,
  revisionLink,
  revisionsPath,
  uploadsPath,
} from "../storage/tree.ts";

interface Looked {
  readonly metadata: Pick<MetadataReads, "knownRepository">;
  readonly storage: Pick<Storage, "list" | "stat">;
}

/**
 * Whether another program writes into a repository of the tree while we serve it: an upload that it has
 * under way, or a link that came since the folder is open here and that we did not write. Returns the
 * path, or null.
 *
 * We write links only after the transaction that they follow from, and every upload of ours lies beside
 * the tree. So what the tree has and the metadata has not is a removal that the tree has yet to follow,
 * or none of ours; a second look, when the tree has followed, tells them apart. What is older than
 * `openSince` (UTC milliseconds of the machine) was there when the tree was compared, and was reported.
 *
 * `links` false: only uploads, whose cost is not that of the repository.
 */
export async function findForeign(
  name: RepositoryName,
  looked: Looked,
  openSince: number,
  drain: () => Promise<void>,
  { links }: { readonly links: boolean },
): Promise<string | null> {
  const upload = await youngUpload(name, looked, openSince);
  if (upload !== null || !links) return upload;
  const suspects = await unknownLinks(name, looked, openSince);
  if (suspects.length === 0) return null;
  const hasFollowed = await drain().then(
    () => true,
    () => false,
  );
  // What it could not follow may be these.
  if (!hasFollowed) return null;
  const still = new Set(await unknownLinks(name, looked, openSince));
  return suspects.find((path) => still.has(path)) ?? null;
}

async function youngUpload(
  name: RepositoryName,
  { storage }: Looked,
  openSince: number,
): Promise<string | null> {
  for await (const entry of storage.list(uploadsPath(name))) {
    const path = `${uploadsPath(name)}/${entry.name}`;
    if ((await youngest(path, storage)) >= openSince) return path;
  }
  return null;
}

/** The time of the youngest file right below a folder; 0 when there is none. */
export async function youngest(folder: string, storage: Looked["storage"]): Promise<number> {
  let time = 0;
  for await (const { name, kind } of storage.list(folder)) {
    if (kind !== "object") continue;
    time = Math.max(time, (await storage.stat(`${folder}/${name}`))?.modifiedAt ?? 0);
  }
  return time;
}

async function unknownLinks(
  name: RepositoryName,
  { storage, metadata }: Looked,
  openSince: number,
): Promise<string[]> {
  // The tree first: what comes in between is known then, and was not seen here.
  const layers = await digestsIn(layersPath(name), storage);
  const revisions = await digestsIn(revisionsPath(name), storage);
  if (layers.length + revisions.length === 0) return [];
  const known = await metadata.knownRepository(name);
  const unknown = [
    ...layers.filter((digest) => !known?.blobs.has(digest)).map((one) => layerLink(name, one)),
    ...revisions
      .filter((digest) => !known?.manifests.has(digest))
      .map((one) => revisionLink(name, one)),
  ];
  const young: string[] = [];
  for (const path of unknown) {
    const link = await storage.stat(path);
    if (link && link.modifiedAt >= openSince) young.push(path);
  }
  return young;
}

async function digestsIn(folder: string, storage: Looked["storage"]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const { name: algorithm, kind } of storage.list(folder)) {
    if (kind !== "folder") continue;
    for await (const { name: hex } of storage.list(`${folder}/${algorithm}`)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) digests.push(digest);
    }
  }
  return digests;
}
