import { TreeReader } from "../inventory/from-tree.ts";
import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import { type BuiltCache, retentionFromTree } from "../inventory/retention-from-tree.ts";
import type { MetadataReads } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { readLink, tagCurrentLink } from "../storage/tree.ts";
import { openTreeToLook } from "./open-tree.ts";
import type { Overlay } from "./tree-look.ts";

/** A folder, as retention looks at it. */
export interface FolderLook {
  readonly reader: TreeReader;
  /** A registry of ours keeps its metadata here. */
  readonly ours: boolean;
  readonly overlay: Overlay | undefined;
  /** Null: it is not one of ours. */
  readonly reads: Pick<MetadataReads, "retentionRecordsOf"> | null;
  readonly created: boolean;
  readonly built: BuiltCache;
  /** In ASCII order. */
  names(): Generator<RepositoryName>;
  resolve(name: RepositoryName, tag: Tag): Digest | null;
  close(): Promise<void>;
}

/** More bytes than any link has. */
const LONGEST_LINK = 200;

/** Lists the blobs of a folder, and opens what we know of it to look. Writes nothing. Throws DATA_FOLDER. */
export async function lookAt(folder: string, created: boolean): Promise<FolderLook> {
  const open = await openTreeToLook(folder);
  const { files, ours, overlay, reads } = open;
  const reader = new TreeReader(files);
  reader.readBlobs();
  return {
    reader,
    ours,
    overlay,
    reads: ours ? reads : null,
    created,
    built: new Map(),
    *names() {
      yield* [...reader.names()].toSorted();
    },
    resolve(name, tag) {
      const link = files.text(tagCurrentLink(name, tag), LONGEST_LINK);
      return link && readLink(Buffer.from(link.text, "latin1"));
    },
    close: async () => await open[Symbol.asyncDispose](),
  };
}

/** What a repository of the folder holds, with what the metadata of one of ours know better. Null: it is not there. */
export async function inventoryWith(
  name: RepositoryName,
  look: FolderLook,
): Promise<RetentionInventory | null> {
  const { reader, overlay, reads } = look;
  const repository = reader.read(name);
  const inventory = (await overlay?.(repository)) ?? repository;
  const records = (await reads?.retentionRecordsOf(name)) ?? null;
  const known = new Map(records?.tags.map((tag) => [`${tag.tag} ${tag.digest}`, tag.pushedAt]));
  const tags = inventory.tags.map((tag) => ({
    ...tag,
    pushedAt: known.get(`${tag.tag} ${tag.digest}`) ?? tag.pushedAt,
  }));
  const found = retentionFromTree(name, reader, look, {
    inventory: { ...inventory, tags },
    pulled: records?.pulled ?? new Map(),
  });
  return found && { ...found, pullsSince: records?.pullsSince ?? null };
}
