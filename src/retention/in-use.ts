import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/**
 * What somebody runs, as the sources of the configuration list it. They were read before: answers come at
 * once, and are the same as long as a run lasts.
 */
export interface InUse {
  /** Why one of these sources could not be read; null: all were. */
  failure(sources: readonly string[]): string | null;
  /**
   * The reference that keeps this image, as its source has it; null: there is none. A reference to a tag and
   * a digest keeps both. A tag of null asks for a manifest that is used by its digest.
   */
  find(
    sources: readonly string[],
    repository: RepositoryName,
    tag: Tag | null,
    digest: Digest,
  ): string | null;
  /** The manifests of this repository that they name by digest; not there: nobody knows, or none. */
  named?(sources: readonly string[], repository: RepositoryName): readonly Digest[];
}

/** For policies that name no source. */
export const NOTHING_IN_USE: InUse = { failure: () => null, find: () => null };
