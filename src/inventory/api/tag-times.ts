import type { Digest } from "../../oci/digest.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { Tag } from "../../oci/reference.ts";

/**
 * What is remembered of a registry that does not tell these times itself. UTC milliseconds; what is not in
 * an answer is not known. What a method throws ends the reading: without its times nothing may be decided.
 */
export interface TagTimes {
  /**
   * Is told what all tags of a repository name now, and answers since when: the time of a push that a
   * notification told of, or the first time that the tag was seen to name this digest, which may be now.
   */
  pushed(
    repository: RepositoryName,
    tags: readonly { readonly tag: Tag; readonly digest: Digest }[],
    now: number,
  ): Promise<ReadonlyMap<Tag, number>>;
  /** The last pulls of these manifests, as notifications told of them. */
  pulled(
    repository: RepositoryName,
    digests: readonly Digest[],
    now: number,
  ): Promise<ReadonlyMap<Digest, number>>;
  /** Since when all pulls are known; null, or not there: they are not. */
  pullsSince?(now: number): Promise<number | null>;
}
