import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";

/**
 * What a finding means to the one who reads it.
 *
 * `broken`: images cannot be pulled whole. `tree`: we serve it, another registry on the same folder
 * would not, or would serve something else. `unused`: damaged, and no image needs it. `unread`: the
 * medium failed, so that what is there is not known.
 */
export type FindingKind = "broken" | "tree" | "unused" | "unread";

/**
 * What has happened, for whoever wants to repair it.
 *
 * `bytes`: a file is missing, or has other bytes than it should. `row`: the metadata's copy of a manifest
 * is wrong. `no-blob`, `no-manifest`: the repository does not have what one of its manifests or tags
 * names. `link`: the tree lacks a link that the metadata has. `torn`: a link that is empty, torn or names
 * something else. `stranger`: a link or a repository that only the tree has. `dead-link`: a link of the tree
 * alone, to bytes that are missing. `trash-row`: the trash lists bytes that it does not have; `trash-file`:
 * it has bytes that it does not list. `tag`: the tag's link does not say what the metadata says. `medium`:
 * it cannot be read. `other`: something that only a person can judge.
 */
export type Cause =
  | "bytes"
  | "row"
  | "no-blob"
  | "no-manifest"
  | "link"
  | "torn"
  | "stranger"
  | "dead-link"
  | "trash-row"
  | "trash-file"
  | "tag"
  | "medium"
  | "other";

/** One thing that is not as it should be. */
export interface Finding {
  readonly kind: FindingKind;
  readonly cause: Cause;
  /** Null: a blob that no repository has. */
  readonly repository: RepositoryName | null;
  /** The images that need it: `team/app:1`, or `team/app@sha256:…` of one without a tag. */
  readonly images: readonly string[];
  /** Of the blob or manifest that is damaged. */
  readonly digest: Digest | null;
  /** Inside the data folder; null: it is the metadata that is damaged. */
  readonly path: string | null;
  readonly problem: string;
}

/** How much was looked at. */
export interface Checked {
  repositories: number;
  tags: number;
  manifests: number;
  /** Links: a blob that two repositories share counts twice. */
  blobs: number;
  /** Files whose bytes were read and compared with their digest, each once; their bytes. */
  files: number;
  bytes: number;
}

/** A blob or a manifest that is not whole, for whatever needs it. */
export interface Damage {
  readonly cause: Cause;
  readonly path: string | null;
  readonly problem: string;
}

/** Whether two looks found the same. */
export function keyOf({ repository, digest, path, problem }: Finding): string {
  return JSON.stringify([repository, digest, path, problem]);
}
