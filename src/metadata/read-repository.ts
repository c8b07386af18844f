import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import type { Storage } from "../storage/storage.ts";
import {
  blobPath,
  layerLink,
  layersPath,
  revisionLink,
  revisionsPath,
  tagCurrentLink,
  tagsPath,
} from "../storage/tree.ts";
import { inParallel } from "./in-parallel.ts";
import type { RepositorySnapshot, SnapshotManifest, TagRecord } from "./metadata.ts";
import { LOOKS, type Remark, foldersIn, followLinks, lookUpLink } from "./read-links.ts";
import { readStoredManifest } from "./stored-manifest.ts";

/** Nothing larger is read into memory as a manifest. Registry 2 takes 4 MiB, we take 8. */
const LARGEST_MANIFEST = 16 * 1024 * 1024;

/**
 * Reads one repository from the tree, and changes nothing there. What is broken goes to `remark` and is
 * left out; what is whole can be served. Rejects when the medium fails: what could not be read may be
 * there.
 */
export async function readRepository(
  storage: Storage,
  name: RepositoryName,
  now: number,
  remark: Remark,
): Promise<RepositorySnapshot> {
  const sizes = new Map<Digest, number>();
  const blobs: RepositorySnapshot["blobs"][number][] = [];
  // A link's time can lie in the future when a clock was wrong; nothing that waits for an age would end.
  const past = (at: number): number => Math.min(at, now);

  await followLinks(storage, layersPath(name), remark, async (digest, at) => {
    const data = await storage.stat(blobPath(digest));
    if (!data) {
      remark(layerLink(name, digest), `the bytes of ${digest} are missing`);
      return;
    }
    sizes.set(digest, data.size);
    blobs.push({ digest, size: data.size, linkedAt: past(at) });
  });

  const manifests = new Map<Digest, SnapshotManifest>();
  await followLinks(storage, revisionsPath(name), remark, async (digest, at) => {
    const path = revisionLink(name, digest);
    const bytes = await readManifest(storage, digest, (problem) => remark(path, problem));
    const read = bytes && readStoredManifest(bytes, sizes, (problem) => remark(path, problem));
    if (read) manifests.set(digest, { digest, bytes, pushedAt: past(at), ...read });
  });

  const tags: TagRecord[] = [];
  await inParallel(LOOKS, tagsOf(storage, name, remark), async (tag) => {
    const path = tagCurrentLink(name, tag);
    const link = await lookUpLink(storage, path);
    if (!link) remark(path, "the tag has no current link; it is not served");
    else if (link.digest === null) remark(path, "the link is empty or torn; the tag is not served");
    else if (!manifests.has(link.digest)) {
      remark(
        path,
        `the tag names ${link.digest}, which this repository does not have or cannot serve`,
      );
    } else tags.push({ tag, digest: link.digest, pushedAt: past(link.at) });
  });
  return { name, blobs, manifests: [...manifests.values()], tags };
}

/** Null, with a remark, unless the bytes are there and are those of the digest. */
async function readManifest(
  storage: Storage,
  digest: Digest,
  remark: (problem: string) => void,
): Promise<SnapshotManifest["bytes"] | null> {
  const path = blobPath(digest);
  const data = await storage.stat(path);
  if (data && data.size > LARGEST_MANIFEST) {
    remark(`${digest} has ${data.size} bytes, too many for a manifest`);
    return null;
  }
  const bytes = data && (await storage.readSmall(path));
  if (!bytes) {
    remark(`the bytes of the manifest ${digest} are missing`);
    return null;
  }
  if (digestOf(bytes, algorithmOf(digest)) !== digest) {
    remark(`the ${bytes.length} bytes stored for ${digest} are not those of its digest`);
    return null;
  }
  return bytes;
}

async function* tagsOf(
  storage: Storage,
  name: RepositoryName,
  remark: Remark,
): AsyncGenerator<Tag> {
  const folder = tagsPath(name);
  for await (const tag of foldersIn(storage, folder, remark)) {
    if (isTag(tag)) yield tag;
    else remark(`${folder}/${tag}`, "its name is not a valid tag; it is not read");
  }
}
