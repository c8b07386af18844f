import { type Digest, digestOf, isDigest } from "../../oci/digest.ts";
import { OCI_IMAGE } from "../../oci/media-types.ts";
import { type Tag, isTag } from "../../oci/reference.ts";

/**
 * An empty manifest of ours that stands for an image for the time of a removal, on registries that cannot
 * remove a tag by itself. Whoever finds one knows from it what was under way.
 */
export interface Placeholder {
  /** The tag it was put under. */
  readonly tag: Tag;
  /** What the tag named before; null: nothing, it was put there to find out what the registry does. */
  readonly of: Digest | null;
}

const TYPE = "application/vnd.wharfinger.placeholder.v1";
const CONFIG_TYPE = `${TYPE}+json`;
const TAG = "io.wharfinger.placeholder.tag";
const OF = "io.wharfinger.placeholder.of";

/** What has to be pushed: a config and a manifest, whose digests no other content has. */
export interface MadePlaceholder {
  readonly config: { readonly digest: Digest; readonly bytes: Uint8Array<ArrayBuffer> };
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** `id` must be unlike any before: then its digest is too, and deleting it deletes nothing else. Pure. */
export function makePlaceholder({ tag, of }: Placeholder, id: string): MadePlaceholder {
  const config = encode({ id, about: "wharfinger is removing a tag; this is not an image" });
  const descriptor = {
    mediaType: CONFIG_TYPE,
    digest: digestOf(config),
    size: config.length,
  };
  const bytes = encode({
    schemaVersion: 2,
    mediaType: OCI_IMAGE,
    artifactType: TYPE,
    config: descriptor,
    // Some registries want a layer.
    layers: [descriptor],
    annotations: { [TAG]: tag, ...(of && { [OF]: of }) },
  });
  return {
    config: { digest: descriptor.digest, bytes: config },
    mediaType: OCI_IMAGE,
    digest: digestOf(bytes),
    bytes,
  };
}

/** Pure. */
export function placeholderIn(
  artifactType: string | null,
  annotations: Readonly<Record<string, string>> | null,
): Placeholder | null {
  if (artifactType !== TYPE) return null;
  const tag = annotations?.[TAG];
  const of = annotations?.[OF];
  if (tag === undefined || !isTag(tag)) return null;
  if (of !== undefined && !isDigest(of)) return null;
  return { tag, of: of ?? null };
}

function encode(value: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
