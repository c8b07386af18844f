import type { ClockReading } from "../client/clock-reading.ts";
import type { RetentionInventory, RetentionManifest } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { PlannedRegistry } from "./prune-plan.ts";

/**
 * A registry that plans are made for and carried out on: ours through its metadata or its API, a tree of
 * another registry, another registry over its API, Harbor. Each wraps no other, and decides nothing.
 */
export interface PruneTarget {
  readonly registry: PlannedRegistry;
  /** Whether a tag can go while its manifest stays. False: only whole digests go (registry 2.x without the detour). */
  readonly removesTags: () => Promise<boolean>;
  /** Names of the repositories in ASCII order. Throws where there is no list and none was configured. */
  repositories(): AsyncIterable<RepositoryName>;
  /**
   * What a repository holds now; null: it is not there. A registry that cannot be reached, or that refuses,
   * is an error, never an empty repository.
   */
  inventoryOf(name: RepositoryName): Promise<RetentionInventory | null>;
  /**
   * The manifests whose subject is one of these, where the inventory may lack them because no tag leads to
   * them: only asked of manifests that go, so that signatures go with what they sign. Not there: the
   * inventory has all.
   */
  referrersOf?(
    name: RepositoryName,
    subjects: readonly Digest[],
  ): Promise<readonly RetentionManifest[]>;
  /**
   * These manifests with all that lies below them, where the inventory may lack them because no tag leads to
   * them: asked of what is in use by its digest. What is not there is left out. Throws REMOTE for one that cannot
   * be understood. Not there: the inventory has all.
   */
  manifestsOf?(
    name: RepositoryName,
    digests: readonly Digest[],
  ): Promise<readonly RetentionManifest[]>;
  /** The digest that a tag names at this moment; null: it is not there. */
  resolve(name: RepositoryName, tag: Tag): Promise<Digest | null>;
  /** Removes a tag and leaves its manifest. Idempotent: what is not there is gone. Throws REFUSED where it cannot. */
  removeTag(name: RepositoryName, tag: Tag): Promise<void>;
  /**
   * Puts a tag whose removal was cut off back to its image; one that is not on a placeholder of ours stays as it
   * is. Throws REFUSED when the image is gone or the registry does not take it. Not there: removals leave none.
   */
  restoreTag?(name: RepositoryName, tag: Tag): Promise<void>;
  /**
   * Deletes a manifest and all tags on it. Idempotent. `tags`: those that it may have; a target that can tell in
   * that moment throws REFUSED where there are others (unset: it may have any).
   */
  deleteManifest(name: RepositoryName, digest: Digest, tags?: readonly Tag[]): Promise<void>;
  /**
   * What time it was, here and there, when the registry last told; null: it has not. Not there: it goes by the
   * clock of this machine.
   */
  clock?(): ClockReading | null;
  close(): Promise<void>;
}
