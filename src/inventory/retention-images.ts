import { isRecord } from "../oci/json.ts";
import type { Digest } from "../oci/digest.ts";
import type { ReferenceRecord } from "../metadata/records.ts";
import type { RetentionBlob, RetentionManifest } from "./retention-inventory.ts";

/** Bytes; a larger config is none of an image. */
export const LARGEST_CONFIG = 4 * 1024 * 1024;

/** When an image was built, as its config says (UTC milliseconds); null: it does not say. Pure. */
export function builtAt(config: Uint8Array): number | null {
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(config));
    const created = isRecord(document) ? document["created"] : null;
    return typeof created === "string" ? timeOf(created) : null;
  } catch {
    return null;
  }
}

/** A time as RFC 3339 has it, in UTC milliseconds; null: it is none. Pure. */
export function timeOf(text: string): number | null {
  // Anything else that a parser of dates takes for one would depend on where it runs.
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** What is known of the content that a manifest's repository has. */
export interface Held {
  isManifest(digest: Digest): boolean;
  /** The same object each time; null: the repository does not have it. */
  blobOf(digest: Digest): RetentionBlob | null;
}

/**
 * Which of the things that a manifest names are manifests, and which blobs. An index may list blobs (buildx
 * keeps caches so), and a manifest may stand where a client takes it for a layer. Blobs that the repository
 * does not have, as foreign layers, take no room in it. Pure.
 */
export function partsOf(
  references: readonly ReferenceRecord[],
  held: Held,
): Pick<RetentionManifest, "children" | "blobs"> {
  const children = new Set<Digest>();
  const blobs = new Set<RetentionBlob>();
  for (const { digest, role } of references) {
    const blob = held.blobOf(digest);
    if (held.isManifest(digest)) children.add(digest);
    else if (blob !== null) blobs.add(blob);
    else if (role === "child") children.add(digest);
  }
  return {
    children: children.size === 0 ? NO_CHILDREN : [...children],
    blobs: [...blobs],
  };
}

/** One for the many. */
const NO_CHILDREN: readonly Digest[] = [];

/** What a repository has, each digest once; of what is not there nobody knows the size. Pure. */
export function blobsByDigest(
  links: readonly { readonly digest: Digest; readonly size: number | null }[],
): ReadonlyMap<Digest, RetentionBlob> {
  const blobs = new Map<Digest, RetentionBlob>();
  for (const { digest, size } of links) if (size !== null) blobs.set(digest, { digest, size });
  return blobs;
}

/**
 * For each manifest the latest of its own time and those of all that it lists, however deep; circles are
 * cut. Null: nobody knows. Pure; linear.
 */
export function latestOf(
  manifests: readonly Pick<RetentionManifest, "digest" | "children">[],
  own: (digest: Digest) => number | null,
): ReadonlyMap<Digest, number> {
  const children = new Map(manifests.map((one) => [one.digest, one.children]));
  const latest = new Map<Digest, number>();
  const raise = (digest: Digest, at: number | null | undefined): void => {
    if (at === null || at === undefined) return;
    latest.set(digest, Math.max(latest.get(digest) ?? at, at));
  };
  const seen = new Set<Digest>();
  for (const { digest } of manifests) {
    // Not by recursion: chains can be long. A digest comes twice: before what it lists, and after that.
    const waiting = [{ digest, after: false }];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const below = children.get(next.digest) ?? [];
      if (next.after) for (const child of below) raise(next.digest, latest.get(child));
      else if (!seen.has(next.digest)) {
        seen.add(next.digest);
        raise(next.digest, own(next.digest));
        waiting.push({ digest: next.digest, after: true });
        for (const child of below) waiting.push({ digest: child, after: false });
      }
    }
  }
  return latest;
}
