import { extract, mediaTypeOf, parseDocument } from "../metadata/lenient-manifest.ts";
import type { ReferenceRecord } from "../metadata/metadata.ts";
import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, manifestKind } from "../oci/media-types.ts";

/** What decisions need of a manifest. */
export interface TreeManifest {
  readonly mediaType: string;
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  readonly references: readonly ReferenceRecord[];
}

/**
 * Reads a manifest, however old, for what it names. `problem` hears of anything that may hide a name: then
 * what is returned is what could be understood. `sizes`: of what its repository links.
 */
export function readTreeManifest(
  digest: Digest,
  bytes: Uint8Array,
  sizes: ReadonlyMap<Digest, number>,
  problem: (problem: string) => void,
): TreeManifest | null {
  const document = parseDocument(bytes);
  if (!document) {
    problem(bytes.length === 0 ? "the manifest is empty" : "the manifest is not a JSON object");
    return null;
  }
  const mediaType = mediaTypeOf(document);
  if (mediaType === null) {
    problem("the manifest does not say what it is");
    return null;
  }
  const first = isFirstFormat(mediaType) || Array.isArray(document["fsLayers"]);
  if (!first && manifestKind(mediaType) === null) {
    problem(`the media type ${JSON.stringify(mediaType)} is not one of a manifest that we know`);
  }
  // The digest of a signed one is that of what was signed.
  if (!first && digestOf(bytes, algorithmOf(digest)) !== digest) {
    problem("the manifest's bytes are not those of its digest");
  }
  for (const key of Object.keys(document)) {
    // Registries written in Go took these keys in any case, and so do their clients.
    if (!KEYS.has(key) && KEYS.has(key.toLowerCase())) problem(`the manifest has the key "${key}"`);
  }
  const { subject } = document;
  const content = extract(document, sizes, problem);
  if (subject != null && content.subject === null) {
    problem('what "subject" names in the manifest cannot be read');
  }
  const { artifactType, references } = content;
  return { mediaType, subject: content.subject, artifactType, references };
}

/** Docker's schema 1, signed or not. */
export function isFirstFormat(mediaType: string): boolean {
  return mediaType === DOCKER_SCHEMA1 || mediaType === DOCKER_SCHEMA1_SIGNED;
}

const KEYS = new Set([
  "mediatype",
  "config",
  "layers",
  "blobs",
  "fslayers",
  "manifests",
  "subject",
]);
for (const key of ["mediaType", "fsLayers"]) KEYS.add(key);
