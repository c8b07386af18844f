import { inParallel } from "../../metadata/in-parallel.ts";
import { type Digest, algorithmOf, digestOf } from "../../oci/digest.ts";
import type { Tag } from "../../oci/reference.ts";
import type { SmallObject, Storage } from "../../storage/storage.ts";
import {
  blobPath,
  layerLink,
  linkBytes,
  readLink,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
} from "../../storage/tree.ts";
import { bringBytes } from "./bytes.ts";
import { contentOf } from "./content.ts";
import type { TrashPlace, TrashReads, TrashRows, TrashView } from "./place.ts";

/** Files that are moved at the same time. */
const AT_ONCE = 8;

/** What the tree of another registry has, to look at. */
export function treeView(rows: TrashReads, storage: Storage, sparse: boolean): TrashView {
  /** Null also for a link that is empty or torn: it names nothing, and nobody is served by it. */
  const linkAt = async (path: string): Promise<Digest | null> => {
    const bytes = await storage.readSmall(path);
    return bytes && readLink(bytes);
  };
  return {
    rows,
    storage,
    sparse,
    tag: async (name, tag) => await linkAt(tagCurrentLink(name, tag)),
    async manifest(name, digest) {
      if ((await linkAt(revisionLink(name, digest))) !== digest) return null;
      const bytes = await storage.readSmall(blobPath(digest));
      if (!bytes || digestOf(bytes, algorithmOf(digest)) !== digest) return null;
      return { digest, bytes, mediaType: contentOf(bytes, null).mediaType };
    },
    async linked(name, digest) {
      if ((await linkAt(layerLink(name, digest))) !== digest) return null;
      return (await storage.stat(blobPath(digest)))?.size ?? null;
    },
    open: async (digest) => await storage.read(blobPath(digest)),
  };
}

/**
 * The tree of another registry, which may be running: links are written anew, as it would have written
 * them. Whoever calls sees to it that no other command of ours works on the folder.
 *
 * Between the look at a tag and the writing of it that registry may write it, too. It offers no means
 * against that, and the time is short.
 */
export function treePlace(rows: TrashRows, storage: Storage, sparse: boolean): TrashPlace {
  const link = (path: string, digest: Digest): SmallObject => ({ path, bytes: linkBytes(digest) });
  const place: TrashPlace = {
    ...treeView(rows, storage, sparse),
    rows,
    keeping: (_, work) => work(),

    async link(name, blobs) {
      await inParallel(AT_ONCE, blobs[Symbol.iterator](), (blob) => bringBytes(place, blob));
      await storage.write(blobs.map(({ digest }) => link(layerLink(name, digest), digest)));
    },

    async put(name, manifests) {
      const files: SmallObject[] = [];
      for (const { digest, bytes } of manifests) {
        const path = blobPath(digest);
        const there = await storage.readSmall(path);
        // Until the sync a power cut would leave it empty, and another repository may need it.
        if (!there || Buffer.compare(there, bytes) !== 0) files.push({ path, bytes });
      }
      // First all bytes, then what speaks of them.
      await storage.write(files);
      await storage.write(manifests.map(({ digest }) => link(revisionLink(name, digest), digest)));
    },

    async retag(name, tags) {
      const kept: Tag[] = [];
      const objects: SmallObject[] = [];
      for (const { tag, digest, from } of tags) {
        const now = await place.tag(name, tag);
        if (now !== from && now !== digest) kept.push(tag);
        else {
          objects.push(link(tagIndexLink(name, tag, digest), digest));
          objects.push(link(tagCurrentLink(name, tag), digest));
        }
      }
      await storage.write(objects);
      return kept;
    },
  };
  return place;
}
