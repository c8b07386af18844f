import { type Digest, algorithmOf, hexOf, isDigest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/**
 * The paths of the tree: the only file that knows the layout of the distribution registry.
 * `docs/storage-layout.md` describes it; registry 2 and 3 read and write the same.
 */
export const TREE = "docker/registry/v2";
export const BLOBS = `${TREE}/blobs`;
export const REPOSITORIES = `${TREE}/repositories`;

/** What is ours alone lies beside the tree, in here. */
export const OURS = "wharfinger";
export const UPLOADS = `${OURS}/uploads`;
/** Bytes of blobs that were removed and can be restored, each under a name that is used once. */
export const TRASH = `${OURS}/trash`;
/** A file that is written, read and removed to see whether that can be done. */
export const PROBE = `${OURS}/probe`;

export function blobPath(digest: Digest): string {
  const hex = hexOf(digest);
  return `${BLOBS}/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}/data`;
}

export function repositoryPath(name: RepositoryName): string {
  return `${REPOSITORIES}/${name}`;
}

export function layersPath(name: RepositoryName): string {
  return `${repositoryPath(name)}/_layers`;
}

export function manifestsPath(name: RepositoryName): string {
  return `${repositoryPath(name)}/_manifests`;
}

/** Where other registries keep unfinished uploads, each in a folder of its own. */
export function uploadsPath(name: RepositoryName): string {
  return `${repositoryPath(name)}/_uploads`;
}

export function revisionsPath(name: RepositoryName): string {
  return `${manifestsPath(name)}/revisions`;
}

export function tagsPath(name: RepositoryName): string {
  return `${manifestsPath(name)}/tags`;
}

/** The folder of one layer's link; it goes as a whole when the layer is unlinked. */
export function layerPath(name: RepositoryName, digest: Digest): string {
  return `${layersPath(name)}/${algorithmOf(digest)}/${hexOf(digest)}`;
}

export function layerLink(name: RepositoryName, digest: Digest): string {
  return `${layerPath(name, digest)}/link`;
}

export function revisionPath(name: RepositoryName, digest: Digest): string {
  return `${revisionsPath(name)}/${algorithmOf(digest)}/${hexOf(digest)}`;
}

export function revisionLink(name: RepositoryName, digest: Digest): string {
  return `${revisionPath(name, digest)}/link`;
}

export function tagPath(name: RepositoryName, tag: Tag): string {
  return `${tagsPath(name)}/${tag}`;
}

export function tagCurrentLink(name: RepositoryName, tag: Tag): string {
  return `${tagPath(name, tag)}/current/link`;
}

/** Below it, a folder for each manifest that the tag has ever named. */
export function tagHistoryPath(name: RepositoryName, tag: Tag): string {
  return `${tagPath(name, tag)}/index`;
}

/** One for each manifest that the tag has ever named. */
export function tagIndexPath(name: RepositoryName, tag: Tag, digest: Digest): string {
  return `${tagPath(name, tag)}/index/${algorithmOf(digest)}/${hexOf(digest)}`;
}

export function tagIndexLink(name: RepositoryName, tag: Tag, digest: Digest): string {
  return `${tagIndexPath(name, tag, digest)}/link`;
}

/** Where other registries keep their unfinished uploads, each in a folder. */
export function foreignUploadsPath(name: RepositoryName): string {
  return `${repositoryPath(name)}/_uploads`;
}

/** Links to the signatures that registries before 2.6 kept beside a manifest of Docker's first format. */
export function signaturesPath(name: RepositoryName, digest: Digest): string {
  return `${revisionPath(name, digest)}/signatures`;
}

/** Uploads lie in our own folder, on the same file system as the blobs, so that finishing is a rename. */
export function uploadPath(id: string): string {
  return `${UPLOADS}/${id}`;
}

/** Where the bytes of one removal wait; `id`: of its row in the trash. */
export function trashPath(id: number): string {
  return `${TRASH}/${id}`;
}

/** Where a purge puts a blob for the moment before its end: somebody may need it after all. */
export const LEAVING = `${OURS}/leaving`;

export function leavingPath(digest: Digest): string {
  return `${LEAVING}/${algorithmOf(digest)}-${hexOf(digest)}`;
}

/** The digest of a file in the folder of what is leaving, by its name; null: it is none of these. */
export function leavingDigest(name: string): Digest | null {
  const digest = name.replace("-", ":");
  return isDigest(digest) ? digest : null;
}

/** A link, or a manifest, on its way to its name: ours, or one of registry 3. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(".wharfinger-") || /^(?:link|data)\.[\w-]+\.tmp$/.test(name);
}

/** Bytes that a repair is about to put in place: the same name each time, so that what a crash leaves is overwritten. */
export const REPAIRS = `${OURS}/repairs`;

export function repairPath(digest: Digest): string {
  return `${REPAIRS}/${algorithmOf(digest)}-${hexOf(digest)}`;
}

/** The digest that the folder of a layer's, revision's or index entry's link names; null: it is no such link. */
export function digestOfLink(path: string): Digest | null {
  const [link, hex, algorithm] = path.split("/").toReversed();
  const digest = `${algorithm}:${hex}`;
  return link === "link" && isDigest(digest) ? digest : null;
}

/** The content of a link file: the digest, no newline. */
export function linkBytes(digest: Digest): Uint8Array {
  return new TextEncoder().encode(digest);
}

/** The digest in a link file, or null when the file is empty, torn or something else. */
export function readLink(bytes: Uint8Array): Digest | null {
  if (bytes.length > 200) return null;
  const text = new TextDecoder().decode(bytes).trim();
  return isDigest(text) ? text : null;
}
