import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/**
 * Images that somebody runs, as one source or several list them.
 *
 * Hosts do not count: a registry has many names, and an image of the same repository path is taken for ours.
 * What is not sure is in use. Answers are the source that says so, for a reason that people read, or null.
 */
export interface InUse {
  /** Whether an image names this tag of this repository, also together with a digest. */
  tag(repository: RepositoryName, tag: Tag): string | null;
  /**
   * Whether an image names this digest: of this repository, or without any repository, as a runtime does that
   * knows no other name. Ask for a manifest, for those that an index lists, and for the config of each: some
   * runtimes know the digest of one platform's manifest alone, or that of the config.
   */
  digest(repository: RepositoryName, digest: Digest): string | null;
  /** The digests by which images of this repository are named, together with it. */
  digestsOf(repository: RepositoryName): readonly Digest[];
}

/** What reading a source came to. A failure is never the same as "nothing is in use". */
export type InUseReading =
  | {
      readonly source: string;
      readonly images: InUse;
      /** Different images that it named. */
      readonly count: number;
      /** Sentences about what was taken for something that it need not be. */
      readonly remarks: readonly string[];
    }
  /** `failure` begins with the name of the source. */
  | { readonly source: string; readonly failure: string };
