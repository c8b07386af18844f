import { type Digest, isDigest } from "../oci/digest.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import { OURS, TREE } from "../storage/tree.ts";
import { CONFIGURATION, DOCUMENT, LIST, UNFINISHED, USER_FILES, type UserFile } from "./set.ts";

/** What a file of a data folder is, by its path in it. */
export type Place =
  | { readonly is: "blob"; readonly digest: Digest }
  | { readonly is: "layer" | "manifest"; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly is: "tag"; readonly name: RepositoryName; readonly tag: Tag }
  | { readonly is: "user"; readonly file: UserFile }
  | { readonly is: "document" | "list" | "unfinished" | "configuration" }
  /** Of the layout, but nothing to restore: uploads, what tags have named before, temporary files. */
  | { readonly is: "passing" }
  | { readonly is: "other" };

const BLOB = /^blobs\/(sha256|sha512)\/([0-9a-f]{2})\/([0-9a-f]+)\/data$/;
const LINK =
  /^repositories\/(.+)\/(_layers|_manifests\/revisions)\/(sha256|sha512)\/([0-9a-f]+)\/link$/;
const CURRENT = /^repositories\/(.+)\/_manifests\/tags\/([^/]+)\/current\/link$/;
const PASSING =
  /^repositories\/.+\/(_uploads\/|_manifests\/tags\/[^/]+\/index\/)|\/(\.wharfinger-|link\..+\.tmp$)/;

/** Pure. */
export function placeOf(path: string): Place {
  if (path.startsWith(`${TREE}/`)) return placeInTree(path.slice(TREE.length + 1));
  if (path === DOCUMENT) return { is: "document" };
  if (path === LIST) return { is: "list" };
  if (path === UNFINISHED) return { is: "unfinished" };
  if (path.startsWith(`${CONFIGURATION}/`)) return { is: "configuration" };
  const file = USER_FILES.find((one) => path === `${OURS}/${one}`);
  if (file) return { is: "user", file };
  return path.startsWith(`${OURS}/`) ? { is: "passing" } : { is: "other" };
}

function placeInTree(path: string): Place {
  const blob = BLOB.exec(path);
  if (blob) {
    const digest = `${blob[1]}:${blob[3]}`;
    const prefixed = blob[3]?.startsWith(blob[2] ?? "") ?? false;
    return isDigest(digest) && prefixed ? { is: "blob", digest } : { is: "other" };
  }
  const link = LINK.exec(path);
  if (link) {
    const [, name = "", kind, algorithm, hex] = link;
    const digest = `${algorithm}:${hex}`;
    if (!isRepositoryName(name) || !isDigest(digest)) return { is: "other" };
    return { is: kind === "_layers" ? "layer" : "manifest", name, digest };
  }
  const current = CURRENT.exec(path);
  if (current) {
    const [, name = "", tag = ""] = current;
    return isRepositoryName(name) && isTag(tag) ? { is: "tag", name, tag } : { is: "other" };
  }
  return { is: PASSING.test(path) ? "passing" : "other" };
}

/**
 * Where in an archive a data folder begins, by the path of one of its files: people pack the folder, what
 * is in it, or `docker/` or `registry/` alone. The path then as it would be in a data folder. Null when it
 * is of no data folder.
 */
export function inDataFolder(
  path: string,
): { readonly prefix: string; readonly path: string } | null {
  const match = /^(?<before>(?:.*?\/)??)v2\/(?<rest>(?:blobs|repositories)\/.*)$/.exec(path);
  if (!match?.groups) return null;
  const { before = "", rest = "" } = match.groups;
  return { prefix: before.replace(/(?:docker\/)?registry\/$/, ""), path: `${TREE}/${rest}` };
}
