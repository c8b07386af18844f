import type { Happening } from "../metadata/event.ts";
import type { MetadataReads } from "../metadata/metadata.ts";
import { RegistryError } from "../oci/errors.ts";
import { parseManifest } from "../oci/manifest.ts";
import type { WireDescriptor } from "./format.ts";

/** What the manifest of an event names; null when it is none, or gone since, or nobody can read it. */
export async function referencesOf(
  { kind, name, digest, action }: Happening,
  metadata: MetadataReads,
): Promise<WireDescriptor[] | null> {
  if (kind !== "manifest" || action === "delete" || digest === null) return null;
  const found = await metadata.findManifest(name, digest);
  if (!found) return null;
  try {
    const { config, layers, children } = parseManifest(found.bytes, found.mediaType);
    const named = [...(config ? [config] : []), ...layers, ...children];
    return named.map(({ mediaType, size, digest: of }) => ({ mediaType, size, digest: of }));
  } catch (error) {
    // One that was read from a tree may be older than our rules.
    if (error instanceof RegistryError) return null;
    throw error;
  }
}
