import type { ApiInventory, Leftover } from "../../inventory/from-api.ts";
import { TreeReader } from "../../inventory/from-tree.ts";
import { type BuiltCache, retentionFromTree } from "../../inventory/retention-from-tree.ts";
import type { RetentionInventory } from "../../inventory/retention-inventory.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { RepositoryName } from "../../oci/name.ts";
import { type TreeFiles, treeFiles } from "../../storage/tree-files.ts";
import { REPOSITORIES } from "../../storage/tree.ts";
import type { PruneTarget } from "../prune-target.ts";

/**
 * A registry whose storage can be read as well: what it holds is read there, with the manifests that no tag
 * leads to and with exact times and bytes; deleting goes over its API, so that what it remembers stays right.
 * Nothing in the folder is changed.
 *
 * A repository of which the folder and the registry do not say the same is kept whole: it may be another
 * registry's folder, or somebody is pushing. Throws DATA_FOLDER for a folder that is no registry's.
 */
export function withTree(
  target: PruneTarget,
  folder: string,
  { created }: { readonly created: boolean },
): PruneTarget {
  const files = treeFiles(folder);
  refuseOther(files, folder);
  const built: BuiltCache = new Map();
  let reader = readerOf(files);
  const inTree = (name: RepositoryName): RetentionInventory | null =>
    retentionFromTree(
      name,
      reader,
      { created, built },
      { inventory: reader.read(name), pulled: new Map() },
    );
  const compared = async (name: RepositoryName): Promise<RetentionInventory | null> => {
    // The registry first: what is pushed in between is in the folder, and keeps more.
    const there = await target.inventoryOf(name);
    const inFolder = inTree(name);
    if (inFolder === null) return there;
    const here = beforeRemovals(inFolder, leftoversOf(there));
    const difference = differenceOf(here, there);
    if (difference === null) return here;
    const problem = `${difference}; is ${folder} the folder of ${target.registry.place}?`;
    return { ...here, unreadable: [...here.unreadable, { path: name, problem }] };
  };
  return {
    ...target,
    registry: { ...target.registry, bytes: "exact" },
    async inventoryOf(name) {
      const inventory = await compared(name);
      if (inventory === null || inventory.unreadable.length === 0) return inventory;
      // What was pushed since the blobs were listed seems to lack them.
      reader = readerOf(files);
      return await compared(name);
    },
  };
}

function readerOf(files: TreeFiles): TreeReader {
  const reader = new TreeReader(files);
  reader.readBlobs();
  return reader;
}

function refuseOther(files: TreeFiles, folder: string): void {
  let entries: unknown = null;
  try {
    entries = files.entries(REPOSITORIES);
  } catch (error) {
    throw new RegistryError("DATA_FOLDER", {
      reason: `${folder} cannot be read (${(error as Error).message})`,
    });
  }
  if (entries !== null) return;
  throw new RegistryError("DATA_FOLDER", {
    reason: `${folder} is not the folder of a registry: it has no ${REPOSITORIES}`,
  });
}

function leftoversOf(inventory: RetentionInventory | null): readonly Leftover[] {
  return inventory && "leftovers" in inventory ? (inventory as ApiInventory).leftovers : [];
}

/** As over the API: what an interrupted removal has left is shown as it was before. */
function beforeRemovals(
  inventory: RetentionInventory,
  leftovers: readonly Leftover[],
): RetentionInventory {
  if (leftovers.length === 0) return inventory;
  const byTag = new Map(leftovers.map((left) => [left.tag, left]));
  const ours = new Set(leftovers.map(({ digest }) => digest));
  return {
    ...inventory,
    tags: inventory.tags.flatMap((one) => {
      const left = byTag.get(one.tag);
      if (left?.digest !== one.digest) return [one];
      return left.of === null ? [] : [{ ...one, digest: left.of, placeholder: left.digest }];
    }),
    manifests: inventory.manifests.filter(({ digest }) => !ours.has(digest)),
  };
}

/** What the tags of the folder and of the registry do not agree on; null: nothing. */
function differenceOf(here: RetentionInventory, there: RetentionInventory | null): string | null {
  const inFolder = new Map(here.tags.map(({ tag, digest }) => [tag, digest]));
  const inRegistry = new Map((there?.tags ?? []).map(({ tag, digest }) => [tag, digest]));
  for (const [tag, digest] of inFolder) {
    const other = inRegistry.get(tag);
    if (other === undefined) return `the folder has the tag ${tag}, and the registry has not`;
    if (other !== digest) return `${tag} is ${digest} in the folder, and ${other} in the registry`;
  }
  const more = inRegistry.keys().find((tag) => !inFolder.has(tag));
  return more === undefined ? null : `the registry has the tag ${more}, and the folder has not`;
}
