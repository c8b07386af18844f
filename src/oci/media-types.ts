/** The media types of manifests that can be pushed, and what kind of document each is. */
export const OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json";
export const DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

/** Docker schema 1: found in old trees and served from them, but refused when pushed. */
export const DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json";
export const DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws";

export const OCTET_STREAM = "application/octet-stream";

/**
 * `image`: one config and layers. `index`: a list of manifests, as a rule one a platform.
 * `artifact`: the deprecated OCI artifact manifest, a list of blobs.
 */
export type ManifestKind = "image" | "index" | "artifact";

const KINDS: Readonly<Record<string, ManifestKind>> = {
  [OCI_IMAGE]: "image",
  [DOCKER_IMAGE]: "image",
  [OCI_INDEX]: "index",
  [DOCKER_LIST]: "index",
  [OCI_ARTIFACT]: "artifact",
};

export const MANIFEST_TYPES = Object.keys(KINDS);

/** The kind of a manifest media type, or null when it is not one that can be pushed. */
export function manifestKind(mediaType: string): ManifestKind | null {
  return Object.hasOwn(KINDS, mediaType) ? (KINDS[mediaType] ?? null) : null;
}

/** Docker's schema 1, signed or not. */
export function isFirstFormat(mediaType: string): boolean {
  return mediaType === DOCKER_SCHEMA1 || mediaType === DOCKER_SCHEMA1_SIGNED;
}

/** Layers that stay on their vendor's servers; registries take manifests that name them without the bytes. */
export function isForeignLayer(mediaType: string): boolean {
  return (
    mediaType.startsWith("application/vnd.docker.image.rootfs.foreign.") ||
    mediaType.startsWith("application/vnd.oci.image.layer.nondistributable.")
  );
}
