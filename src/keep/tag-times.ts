import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/** What we know of the times of a registry that does not tell them itself. UTC milliseconds. */
export interface TagTimes {
  /**
   * Is told what all tags of a repository name now, and answers when each was pushed as far as anybody
   * knows: at the push that a notification told of, else when it was first seen to name this digest. What
   * is not among them is forgotten, so never call it with a part of a list.
   */
  pushed(
    repository: RepositoryName,
    tags: readonly { readonly tag: Tag; readonly digest: Digest }[],
    now: number,
  ): Promise<ReadonlyMap<Tag, number>>;
  /**
   * The last pulls that notifications have told of, for as long as it is certain that they tell of all. Of a
   * digest that is not among them see `pullsSince`.
   */
  pulled(
    repository: RepositoryName,
    digests: readonly Digest[],
    now: number,
  ): Promise<ReadonlyMap<Digest, number>>;
  /** Since when all pulls are known; null: they are not, and what was not told of may have been pulled. */
  pullsSince(now: number): Promise<number | null>;
}
