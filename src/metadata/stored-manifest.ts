import { RegistryError } from "../oci/errors.ts";
import { type Manifest, parseManifest } from "../oci/manifest.ts";
import { isForeignLayer, manifestKind } from "../oci/media-types.ts";
import {
  type Content,
  type Sizes,
  extract,
  mediaTypeOf,
  parseDocument,
  sayWhatHides,
} from "./lenient-manifest.ts";
import type { ReferenceRecord } from "./metadata.ts";

/** What the bytes of a manifest say. */
export interface StoredManifest extends Content {
  readonly mediaType: string;
}

/**
 * Reads a manifest that a registry has once accepted, whatever we would say to it today: strictly if
 * that works, otherwise leniently. What is not understood goes to `remark`. Null when it cannot be
 * served: when it is no JSON object, or does not say what it is.
 */
export function readStoredManifest(
  bytes: Uint8Array,
  sizes: Sizes,
  remark: (problem: string) => void,
): StoredManifest | null {
  const named = parseStrictly(bytes, null);
  if (named) return fromManifest(named, sizes);
  const document = parseDocument(bytes);
  if (!document) {
    remark("the manifest is not a JSON object; it is not served");
    return null;
  }
  const mediaType = mediaTypeOf(document);
  if (mediaType === null) {
    remark("the manifest does not say what it is; it is not served");
    return null;
  }
  const guessed = parseStrictly(bytes, mediaType);
  if (guessed) return fromManifest(guessed, sizes);
  // Docker's first format is nothing that can be pushed, but what it names is known.
  if (manifestKind(mediaType) === null && !Array.isArray(document["fsLayers"])) {
    remark(`the media type ${mediaType} is not known; the manifest is served as it is stored`);
  }
  sayWhatHides(document, remark);
  return { mediaType, ...extract(document, sizes, remark) };
}

/** Null when it refuses. */
function parseStrictly(bytes: Uint8Array, contentType: string | null): Manifest | null {
  try {
    return parseManifest(bytes, contentType);
  } catch (error) {
    if (error instanceof RegistryError) return null;
    throw error;
  }
}

function fromManifest(manifest: Manifest, sizes: Sizes): StoredManifest {
  const { mediaType, subject, artifactType, annotations, config, layers, children } = manifest;
  const references: ReferenceRecord[] = [];
  if (config) references.push({ role: "config", digest: config.digest, size: config.size });
  for (const { digest, size, urls, mediaType: type } of layers) {
    // Foreign layers lie elsewhere; where somebody pushed one all the same, it is needed like any other.
    if ((urls.length > 0 || isForeignLayer(type)) && !sizes.has(digest)) continue;
    references.push({ role: "layer", digest, size });
  }
  for (const { digest, size } of children) references.push({ role: "child", digest, size });
  return { mediaType, subject: subject?.digest ?? null, artifactType, annotations, references };
}
