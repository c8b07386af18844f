import { readStoredManifest } from "../../metadata/stored-manifest.ts";
import type { Digest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import { type Requirement, parseManifest, requirements } from "../../oci/manifest.ts";
import { OCTET_STREAM } from "../../oci/media-types.ts";

/** What a removed manifest says. */
export interface ManifestContent {
  readonly mediaType: string;
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
  readonly references: readonly Requirement[];
}

/**
 * Reads a manifest that some registry has once accepted, whatever we would say to it today. `mediaType`:
 * what it was served as, if that is known. Of bytes that are no manifest nothing is known that they need. Pure.
 */
export function contentOf(bytes: Uint8Array, mediaType: string | null): ManifestContent {
  try {
    const manifest = parseManifest(bytes, mediaType);
    const { subject, artifactType, annotations } = manifest;
    return {
      mediaType: manifest.mediaType,
      subject: subject?.digest ?? null,
      artifactType,
      annotations,
      references: requirements(manifest),
    };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
  }
  const stored = readStoredManifest(bytes, new Map(), () => undefined);
  return {
    mediaType: mediaType ?? stored?.mediaType ?? OCTET_STREAM,
    subject: stored?.subject ?? null,
    artifactType: stored?.artifactType ?? null,
    annotations: stored?.annotations ?? null,
    // An entry of an index may be of any kind: what is there under its digest will do.
    references: (stored?.references ?? []).map((one) => ({
      ...one,
      manifest: false,
      required: true,
    })),
  };
}
