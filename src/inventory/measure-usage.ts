import type { MetadataReads } from "../metadata/metadata.ts";
import { allUnlinked } from "../metadata/paged.ts";
import type { Digest } from "../oci/digest.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import { inventoriesFromMetadata } from "./from-metadata.ts";
import { TreeReader } from "./from-tree.ts";
import type { RepositoryInventory } from "./inventory.ts";
import { type EntryUsage, type RepositoryUsage, UsageCount, type UsageTotals } from "./usage.ts";
import type { FolderUsage } from "./usage-folders.ts";

/** Where inventories come from. */
export interface UsageSource {
  /** One after the other; of one that is gone meanwhile, nothing comes. */
  inventories(): AsyncIterable<RepositoryInventory>;
  /** Sizes of what is stored and no repository has. `has`: whether one has it. */
  unlinked(has: (digest: Digest) => boolean): AsyncIterable<number>;
  trash(): Promise<TrashUsage>;
}

export interface TrashUsage {
  readonly entries: number;
  readonly bytes: number;
}

/** What comes out of a measurement, in order; `done` once, at the end. */
export type UsageEvent =
  | { readonly progress: { readonly repositories: number } }
  | { readonly repository: RepositoryUsage }
  /** Of the repository before it. */
  | { readonly entry: EntryUsage }
  | { readonly folder: FolderUsage }
  | { readonly done: UsageTotals & { readonly trash: TrashUsage } };

/**
 * How many bytes repositories, folders and tags take. All of the registry is read, because what is shared
 * shows only then; `wanted` says which repositories and folders are told of.
 */
export async function* measureUsage(
  source: UsageSource,
  wanted: (path: string) => boolean = () => true,
): AsyncGenerator<UsageEvent> {
  const count = new UsageCount();
  let repositories = 0;
  for await (const inventory of source.inventories()) {
    count.add(inventory);
    yield { progress: { repositories: ++repositories } };
  }
  for await (const size of source.unlinked((digest) => count.has(digest))) count.addUnlinked(size);
  const trash = await source.trash();
  const usage = count.finish();
  for (const { repository, entries } of usage.repositories()) {
    if (!wanted(repository.name)) continue;
    yield { repository };
    for (const entry of entries) yield { entry };
  }
  for (const folder of usage.folders()) if (wanted(folder.path)) yield { folder };
  yield { done: { ...usage.totals, trash } };
}

/** A registry of ours, whether or not it serves. */
export function usageOfMetadata(metadata: MetadataReads): UsageSource {
  return {
    inventories: () => inventoriesFromMetadata(metadata),
    async *unlinked() {
      for await (const blobs of allUnlinked(metadata)) for (const { size } of blobs) yield size;
    },
    trash: async () => await metadata.sumTrash(),
  };
}

/** A tree without a database, as any registry of the family leaves it. It blocks its thread. */
export function usageOfTree(files: TreeFiles, trash: UsageSource["trash"]): UsageSource {
  const reader = new TreeReader(files);
  return {
    async *inventories() {
      reader.readBlobs();
      for (const name of reader.names()) yield reader.read(name);
    },
    async *unlinked(has) {
      for (const id of reader.blobs.ids()) {
        if (!has(reader.blobs.digestOf(id))) yield reader.blobs.sizeOf(id);
      }
    },
    trash,
  };
}
