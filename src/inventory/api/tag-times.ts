import type { Digest } from "../../oci/digest.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { Tag } from "../../oci/reference.ts";

/**
 * What is remembered of a registry that does not tell these times itself. UTC milliseconds; what is not in
 * an answer is not known. Methods may throw: without times nothing may be decided.
 */
export interface TagTimes {
  /**
   * Tells what the tags name at this moment, and learns since when: a push notification's time, or the
   * first time that the tag was seen to name this digest, which may be now.
   */
  seen(
    name: RepositoryName,
    tags: readonly { readonly tag: Tag; readonly digest: Digest }[],
  ): Promise<ReadonlyMap<Tag, number>>;
  /** Last pulls of manifests, as notifications told of them. */
  pulled(name: RepositoryName): Promise<ReadonlyMap<Digest, number>>;
}
