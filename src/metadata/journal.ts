import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/**
 * One change that the tree must follow. It is committed together with the change of the tables, so the
 * two can never disagree about what was acknowledged.
 *
 * `previous` is what the tag named before: replay touches a tag only where the tree still has that.
 * The bytes of a manifest are not repeated here: its row has them.
 */
export type JournalEntry =
  | { readonly op: "link-layer"; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly op: "unlink-layer"; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly op: "put-manifest"; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly op: "remove-manifest"; readonly name: RepositoryName; readonly digest: Digest }
  | {
      readonly op: "set-tag";
      readonly name: RepositoryName;
      readonly tag: Tag;
      readonly digest: Digest;
      readonly previous: Digest | null;
    }
  | {
      readonly op: "remove-tag";
      readonly name: RepositoryName;
      readonly tag: Tag;
      /** Null: what another registry had left of a tag, without a link. */
      readonly previous: Digest | null;
    }
  /** A manifest is gone that the tag had named: the tag's index forgets it. */
  | {
      readonly op: "forget-tagged";
      readonly name: RepositoryName;
      readonly tag: Tag;
      readonly digest: Digest;
    }
  /** It was empty. */
  | { readonly op: "remove-repository"; readonly name: RepositoryName };
