import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { OURS } from "../storage/tree.ts";

/**
 * The words of a backup. It is a *set*: repositories with their links, and the blobs that they name, in
 * the distribution layout, with two files of ours: the *list* of all that is in the set, and the
 * *document* that says what the set is, and by its digest that the list is whole.
 *
 * A set may build on earlier ones: then some of the blobs on its list are in those only.
 */
export const DOCUMENT = `${OURS}/backup.json`;
export const LIST = `${OURS}/backup.list`;
/** Stands in a folder as long as the backup into it is not whole. */
export const UNFINISHED = `${OURS}/backup-unfinished`;
/** Where a configuration lies, under its own name. */
export const CONFIGURATION = `${OURS}/configuration`;
/** What is of the users, and secret. */
export const USER_FILES = ["htpasswd", "tokens.json", "token-key.json"] as const;
export type UserFile = (typeof USER_FILES)[number];

export function userPath(file: UserFile): string {
  return `${OURS}/${file}`;
}

/** One repository of a set. */
export interface SetRepository {
  readonly name: RepositoryName;
  readonly tags: readonly SetTag[];
  readonly manifests: readonly Digest[];
  /** The blobs that it links. */
  readonly layers: readonly Digest[];
}

export interface SetTag {
  readonly tag: Tag;
  readonly digest: Digest;
  /** UTC milliseconds; a backup keeps whole seconds of it. */
  readonly pushedAt: number;
}

/** The blobs of a set, manifests included, with their bytes. */
export type SetBlobs = ReadonlyMap<Digest, number>;

/** How much there is. */
export interface Counts {
  readonly repositories: number;
  readonly tags: number;
  readonly manifests: number;
  /** Manifests included, each once. */
  readonly blobs: number;
  readonly bytes: number;
}
