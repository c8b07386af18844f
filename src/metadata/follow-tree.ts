import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { SmallObject, Storage } from "../storage/storage.ts";
import {
  blobPath,
  layerLink,
  layerPath,
  linkBytes,
  revisionLink,
  revisionPath,
  tagCurrentLink,
  tagIndexLink,
  tagIndexPath,
  tagPath,
} from "../storage/tree.ts";
import type { JournalRecord, MetadataReads } from "./metadata.ts";
import { pruneRepository } from "./prune-repository.ts";

/**
 * Makes the tree say what the journal says.
 *
 * A batch is folded first, so that a tag moved a hundred times is written once. Then what went is
 * removed (tag, manifest, layer link: a crash in between leaves garbage, never a dangling reference),
 * and what came is written with one sync for each 16 MiB, tags last. Doing it again changes nothing, so a batch may
 * be cut off anywhere and repeated; only when this resolves may the journal forget it.
 *
 * Bytes that the tree has already are not written again: until the sync a power cut would leave them
 * empty, and another repository may need them. `trusting: false` writes them all the same: after a
 * crash or a failed sync, what can be read may never have reached the disk.
 */
export async function followTree(
  records: readonly JournalRecord[],
  metadata: Bytes,
  storage: Storage,
  { trusting = true }: { readonly trusting?: boolean } = {},
): Promise<void> {
  const { links, manifests, tags, forgotten, emptied } = fold(records);
  for (const { name, tag, final, index } of tags.values()) {
    if (final === null || index.fresh) await storage.delete(tagPath(name, tag));
  }
  for (const { name, tag, digest } of forgotten.values()) {
    await storage.delete(tagIndexPath(name, tag, digest));
  }
  for (const { name, digest, present } of manifests.values()) {
    if (!present) await storage.delete(revisionPath(name, digest));
  }
  for (const { name, digest, present } of links.values()) {
    if (!present) await storage.delete(layerPath(name, digest));
  }
  for (const name of emptied) await pruneRepository(storage, name);
  const unlessThere: Content = async (digest, bytes) => {
    const path = blobPath(digest);
    const there = trusting ? await storage.readSmall(path) : null;
    return there && Buffer.compare(there, bytes) === 0 ? [] : [{ path, bytes }];
  };
  let piece: SmallObject[] = [];
  let size = 0;
  const add = async (object: SmallObject): Promise<void> => {
    if (size + object.bytes.length > PIECE) {
      await storage.write(piece);
      piece = [];
      size = 0;
    }
    piece.push(object);
    size += object.bytes.length;
  };
  for await (const object of layerObjects(links, metadata, unlessThere)) await add(object);
  for await (const object of manifestObjects(manifests, metadata, unlessThere)) await add(object);
  for (const object of tagObjects(tags)) await add(object);
  // Also when it is empty: it makes the removals durable.
  await storage.write(piece);
}

/** Bytes that are held at a time: of manifests a batch may have thousands, each of some MiB. */
const PIECE = 16 * 1024 * 1024;

interface LinkChange {
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly present: boolean;
}

export interface TagChange {
  readonly name: RepositoryName;
  readonly tag: Tag;
  /** What the tag names in the end; null when it is gone. */
  final: Digest | null;
  /**
   * All that it named on the way, its first `previous` included, and null where it was not there: what a
   * tree that lags behind may show.
   */
  readonly seen: Set<Digest | null>;
  /** The manifests to list in its index. `fresh`: the tag went in between, and its old index with it. */
  readonly index: { fresh: boolean; digests: Set<Digest> };
}

export interface Changes {
  readonly links: ReadonlyMap<string, LinkChange>;
  readonly manifests: ReadonlyMap<string, LinkChange>;
  readonly tags: ReadonlyMap<string, TagChange>;
  /** What the indexes of tags are to forget. */
  readonly forgotten: ReadonlyMap<string, ForgottenManifest>;
  /** Repositories that went, whether or not something came after. */
  readonly emptied: ReadonlySet<RepositoryName>;
}

interface ForgottenManifest {
  readonly name: RepositoryName;
  readonly tag: Tag;
  readonly digest: Digest;
}

/** What a run of journal entries comes to in the end, for each thing they touch. */
export function fold(records: readonly JournalRecord[]): Changes {
  const links = new Map<string, LinkChange>();
  const manifests = new Map<string, LinkChange>();
  const tags = new Map<string, TagChange>();
  const forgotten = new Map<string, ForgottenManifest>();
  const emptied = new Set<RepositoryName>();
  for (const { entry } of records) {
    const { name } = entry;
    switch (entry.op) {
      case "link-layer":
      case "unlink-layer":
        links.set(`${name} ${entry.digest}`, {
          name,
          digest: entry.digest,
          present: entry.op === "link-layer",
        });
        break;
      case "put-manifest":
      case "remove-manifest":
        manifests.set(`${name} ${entry.digest}`, {
          name,
          digest: entry.digest,
          present: entry.op === "put-manifest",
        });
        break;
      case "set-tag":
      case "remove-tag": {
        const key = `${name} ${entry.tag}`;
        const change = tags.get(key) ?? newTagChange(name, entry.tag);
        tags.set(key, change);
        change.seen.add(entry.previous);
        if (entry.op === "set-tag") {
          setTag(change, entry.digest);
          forgotten.delete(`${key} ${entry.digest}`);
        } else unsetTag(change);
        break;
      }
      case "forget-tagged": {
        const { tag, digest } = entry;
        const key = `${name} ${tag}`;
        tags.get(key)?.index.digests.delete(digest);
        forgotten.set(`${key} ${digest}`, { name, tag, digest });
        break;
      }
      case "remove-repository":
        emptied.add(name);
        break;
    }
  }
  return { links, manifests, tags, forgotten, emptied };
}

function newTagChange(name: RepositoryName, tag: Tag): TagChange {
  return { name, tag, final: null, seen: new Set(), index: { fresh: false, digests: new Set() } };
}

function setTag(change: TagChange, digest: Digest): void {
  change.final = digest;
  change.seen.add(digest);
  change.index.digests.add(digest);
}

function unsetTag(change: TagChange): void {
  change.final = null;
  change.seen.add(null);
  change.index.fresh = true;
  change.index.digests.clear();
}

type Bytes = Pick<MetadataReads, "findManifest" | "readContent">;

/** Bytes that came with a transaction, as an object to write, or nothing when the tree has them. */
type Content = (digest: Digest, bytes: Uint8Array) => Promise<SmallObject[]>;

async function* layerObjects(
  links: Changes["links"],
  metadata: Bytes,
  unlessThere: Content,
): AsyncIterable<SmallObject> {
  for (const { name, digest, present } of links.values()) {
    const small = await metadata.readContent(digest);
    // Also of a link that went before we came: the metadata forgets these bytes with its entries, and what
    // was removed can be restored, or is being linked again at this moment.
    if (small) yield* await unlessThere(digest, small);
    if (present) yield { path: layerLink(name, digest), bytes: linkBytes(digest) };
  }
}

async function* manifestObjects(
  manifests: Changes["manifests"],
  metadata: Bytes,
  unlessThere: Content,
): AsyncIterable<SmallObject> {
  for (const { name, digest, present } of manifests.values()) {
    if (!present) continue;
    const manifest = await metadata.findManifest(name, digest);
    // Removed since: the entry that says so comes in a later batch.
    if (!manifest) continue;
    yield* await unlessThere(digest, manifest.bytes);
    yield { path: revisionLink(name, digest), bytes: linkBytes(digest) };
  }
}

function tagObjects(tags: Changes["tags"]): SmallObject[] {
  const objects: SmallObject[] = [];
  for (const { name, tag, final, index } of tags.values()) {
    if (final === null) continue;
    for (const digest of index.digests) {
      objects.push({ path: tagIndexLink(name, tag, digest), bytes: linkBytes(digest) });
    }
    // Also when its manifest is removed since: the entry that says so comes in a later batch, and expects
    // this one in the tree.
    objects.push({ path: tagCurrentLink(name, tag), bytes: linkBytes(final) });
  }
  return objects;
}
