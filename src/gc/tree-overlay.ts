import type { TreeRepository } from "../inventory/from-tree.ts";
import type { RepositoryInventory } from "../inventory/inventory.ts";
import type { CollectionReads, RepositoryRecords } from "../metadata/collection.ts";
import type { RepositoryName } from "../oci/name.ts";
import { repositoryPath } from "../storage/tree.ts";
import type { Overlay } from "./tree-look.ts";

/**
 * What the metadata of a folder of ours knows better than its tree: when something was pushed, seen and
 * untagged. `behind`: repositories whose tree lacks what a crash has cut off; they are kept whole.
 */
export function overlayOf(
  metadata: Pick<CollectionReads, "recordsOf">,
  behind: ReadonlySet<RepositoryName>,
): Overlay {
  return async (repository) => {
    const records = await metadata.recordsOf(repository.name);
    const inventory = records ? withRecords(repository, records) : repository;
    if (!behind.has(repository.name)) return inventory;
    const problem =
      "its last changes are not in the tree yet; the next start of the registry brings them";
    return { ...inventory, unreadable: [{ path: repositoryPath(repository.name), problem }] };
  };
}

/** Times only: what is there is what the tree says. Whatever was seen in either was seen. Pure. */
function withRecords(
  repository: TreeRepository,
  { manifests, links }: RepositoryRecords,
): RepositoryInventory {
  const recorded = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const linked = new Map(links.map((link) => [link.digest, link]));
  return {
    ...repository,
    manifests: repository.manifests.map((manifest) => {
      const known = recorded.get(manifest.digest);
      if (!known) return manifest;
      const { pushedAt, untaggedAt } = known;
      return {
        ...manifest,
        pushedAt,
        untaggedAt: laterOf(untaggedAt, manifest.untaggedAt),
        seenAt: Math.max(known.seenAt, manifest.seenAt),
      };
    }),
    links: repository.links.map((link) => {
      const known = linked.get(link.digest);
      if (!known) return link;
      const linkedAt = Math.min(known.linkedAt, link.seenAt);
      return { ...link, linkedAt, seenAt: Math.max(known.seenAt, link.seenAt) };
    }),
  };
}

/** Another registry may have served the tree since, and have taken a tag away. */
function laterOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
