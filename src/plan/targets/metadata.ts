import { allRepositories } from "../../metadata/paged.ts";
import type { Who } from "../../metadata/event.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Metadata } from "../../metadata/metadata.ts";
import {
  type RetentionSource,
  retentionFromMetadata,
} from "../../inventory/retention-from-metadata.ts";
import type { PruneTarget } from "../prune-target.ts";
import type { PlannedRegistry } from "../prune-plan.ts";

export interface MetadataTargetOptions {
  readonly registry: Omit<PlannedRegistry, "bytes">;
  readonly source: RetentionSource & {
    readonly metadata: Pick<Metadata, "findManifest" | "removeTag" | "removeManifest">;
  };
  /** Whether a policy needs to know when images were built. */
  readonly created: boolean;
  /** Who removes, as those who hear of it are told, and the trash. */
  readonly by: () => Who | null;
  /** UTC milliseconds. */
  readonly now: () => number;
  readonly close?: () => Promise<void>;
}

/**
 * A registry of ours in this process. What goes lies in its trash, and the blobs that nothing needs any more
 * are the collection's.
 */
export function metadataTarget(options: MetadataTargetOptions): PruneTarget {
  const { registry, source, created, by, now, close } = options;
  const { metadata } = source;
  return {
    registry: { ...registry, bytes: "exact" },
    removesTags: async () => true,
    repositories: () => allRepositories(metadata),
    async inventoryOf(name) {
      const inventory = await retentionFromMetadata(name, source, { created });
      // Reading a large one takes a while: others get their turn.
      await new Promise(setImmediate);
      return inventory;
    },
    async resolve(name, tag): Promise<Digest | null> {
      return (await metadata.findManifest(name, tag))?.digest ?? null;
    },
    async removeTag(name, tag) {
      await metadata.removeTag(name, tag, now(), by());
    },
    async deleteManifest(name, digest, tags) {
      const { neededBy, others } = await metadata.removeManifest(name, digest, now(), by(), tags);
      const [other] = others ?? [];
      if (other !== undefined) {
        throw new RegistryError("REFUSED", {
          reason: `${name}@${digest} has got the tag ${other}`,
        });
      }
      if (neededBy.length > 0) throw new RegistryError("STILL_NEEDED", { digest, neededBy });
    },
    close: async () => await close?.(),
  };
}
