import { type Digest, parseDigest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import { type RepositoryName, parseName } from "../../oci/name.ts";
import { type Tag, parseTag } from "../../oci/reference.ts";

/**
 * What somebody calls a thing in the trash: a whole repository, a tag, a manifest, or with both what a
 * tag has named among others.
 */
export interface TrashName {
  /** As it was written. */
  readonly text: string;
  readonly repository: RepositoryName;
  readonly tag: Tag | null;
  readonly digest: Digest | null;
}

/** Which part of the trash something is about: exactly one of them, or for `all` none. */
export interface TrashChoice {
  readonly names: readonly TrashName[];
  /** What a collection removed. */
  readonly run: number | null;
}

export const EVERYTHING: TrashChoice = { names: [], run: null };

/**
 * Reads `REPO`, `REPO:TAG`, `REPO@DIGEST` or `REPO:TAG@DIGEST`. Pure. Throws NAME_INVALID, TAG_INVALID or
 * DIGEST_INVALID.
 */
export function parseTrashName(text: string): TrashName {
  const at = text.indexOf("@");
  const front = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? null : parseDigest(text.slice(at + 1));
  const colon = front.indexOf(":");
  const repository = parseName(colon === -1 ? front : front.slice(0, colon));
  const tag = colon === -1 ? null : parseTag(front.slice(colon + 1));
  return { text, repository, tag, digest };
}

/** Names, a run, or that it is about all: one of them must be said, and only one. Throws USAGE. */
export function parseChoice(
  names: readonly string[],
  run: number | null,
  all: boolean,
): TrashChoice {
  const said = [names.length > 0, run !== null, all].filter(Boolean).length;
  if (said === 1) return { names: names.map(parseTrashName), run };
  const reason =
    said === 0
      ? "say what: REPO:TAG, REPO@DIGEST, REPO, a run, or all of it"
      : "names, a run and all of it exclude each other";
  throw new RegistryError("USAGE", { reason });
}
