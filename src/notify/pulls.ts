import type { Happening, Who } from "../metadata/event.ts";
import type { MetadataReads } from "../metadata/metadata.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { OCTET_STREAM } from "../oci/media-types.ts";
import { isRepositoryName } from "../oci/name.ts";
import { isTag } from "../oci/reference.ts";

/** A pull as it was noticed, with as little as will do: most pulls of a flood are never told. */
export interface Pull {
  readonly kind: "manifest" | "blob";
  /** Of the request. */
  readonly path: string;
  /** As the answer said it. */
  readonly digest: string;
  readonly by: Who;
}

/**
 * The pulls that an endpoint has not heard of. They are worth a little memory and no disk: when it is
 * full those that come are counted, not kept. Counting one costs some nanoseconds, so that a flood of
 * pulls is not slowed down by those who watch it.
 */
export class PullQueue {
  readonly #waiting: Pull[] = [];
  #dropped = 0;

  constructor(readonly limit: number) {}

  get size(): number {
    return this.#waiting.length;
  }

  /** How many were not kept, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  get full(): boolean {
    return this.#waiting.length >= this.limit;
  }

  add(pull: Pull): void {
    if (this.full) this.#dropped++;
    else this.#waiting.push(pull);
  }

  drop(): void {
    this.#dropped++;
  }

  /** The oldest; they stay until they are removed. */
  first(count: number): readonly Pull[] {
    return this.#waiting.slice(0, count);
  }

  remove(count: number): void {
    this.#waiting.splice(0, count);
  }
}

const PATH = /^\/v2\/(?<name>.+)\/(?:manifests|blobs)\/(?<reference>[^/]+)$/;

/**
 * What a pull was of. Size and media type are looked up only here; null when the content is gone since,
 * or its repository is not a name that we could say.
 */
export async function happeningOf(pull: Pull, metadata: MetadataReads): Promise<Happening | null> {
  const { name, reference } = PATH.exec(pull.path)?.groups ?? {};
  const { kind, digest, by } = pull;
  if (!name || !reference || !isRepositoryName(name) || !isDigest(digest)) return null;
  const found =
    kind === "manifest"
      ? await manifest(name, digest, metadata)
      : await metadata.findBlob(name, digest);
  if (!found) return null;
  const tag = kind === "manifest" && isTag(reference) ? reference : null;
  const mediaType = "mediaType" in found ? found.mediaType : OCTET_STREAM;
  const facts = { name, digest, mediaType, size: found.size, tag, from: null };
  return { action: "pull", kind, at: by.at, ...facts, by };
}

async function manifest(
  name: Parameters<MetadataReads["findManifest"]>[0],
  digest: Digest,
  metadata: MetadataReads,
): Promise<{ mediaType: string; size: number } | null> {
  const found = await metadata.findManifest(name, digest);
  return found && { mediaType: found.mediaType, size: found.bytes.length };
}
