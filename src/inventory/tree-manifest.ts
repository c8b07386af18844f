import { extract, mediaTypeOf, parseDocument, sayWhatHides } from "../metadata/lenient-manifest.ts";
import type { ReferenceRecord } from "../metadata/metadata.ts";
import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { isFirstFormat, manifestKind } from "../oci/media-types.ts";

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
  sayWhatHides(document, problem);
  const content = extract(document, sizes, problem);
  const { artifactType, references } = content;
  return { mediaType, subject: content.subject, artifactType, references };
}
