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
   * notification told of, or the first time that the tag was seen to name this digest, which may be now. What
   * is not among them is forgotten, so never call it with a part of a list.
   */
  pushed(
    repository: RepositoryName,
    tags: readonly { readonly tag: Tag; readonly digest: Digest }[],
    now: number,
  ): Promise<ReadonlyMap<Tag, number>>;
  /** The last pulls that notifications told of. Of a digest that is not among them see `pullsSince`. */
  pulled(
    repository: RepositoryName,
    digests: readonly Digest[],
    now: number,
  ): Promise<ReadonlyMap<Digest, number>>;
  /** Since when all pulls are known; null: they are not, and what was not told of may have been pulled. */
  pullsSince(now: number): Promise<number | null>;
}
