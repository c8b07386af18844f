import type { Digest } from "../oci/digest.ts";
import type { ManifestDescription } from "../client/description.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Reference, isDigestReference } from "../oci/reference.ts";

/** One image that was named to be deleted. */
export interface Target {
  /** As the person wrote it. */
  readonly image: string;
  /** `HOST[:PORT]` of the name, or null. */
  readonly host: string | null;
  /** The registry's scheme, host and port. */
  readonly registry: string;
  readonly repository: RepositoryName;
  readonly reference: Reference;
}

/** What deleting one image takes away, and what it leaves. */
export interface Removal extends Target {
  /** A tag goes alone; a manifest takes every tag on it along. */
  readonly deletes: "tag" | "manifest";
  readonly digest: Digest;
  /** Bytes, or null when unknown. Layers may be shared: so much is named, not freed. */
  readonly size: number | null;
  /** The tags that go. */
  readonly tags: readonly string[];
  /** The tags that name the same digest and stay. */
  readonly sharedWith: readonly string[];
}

export interface Found {
  readonly target: Target;
  readonly description: ManifestDescription;
}

/**
 * What goes and what stays when all of these are deleted. An image that is named twice goes once; tags go
 * before digests, so that no digest takes away a tag that was to go by itself. Pure.
 */
export function planRemovals(found: readonly Found[]): Removal[] {
  const unique = [
    ...new Map(found.map((one) => [key(one.target, one.target.reference), one])).values(),
  ];
  const going = new Set(unique.map(({ target }) => key(target, target.reference)));
  const removals = unique.map(({ target, description: { digest, size, tags } }): Removal => {
    const byDigest = isDigestReference(target.reference);
    const wholeGoes = byDigest || going.has(key(target, digest));
    return {
      ...target,
      deletes: byDigest ? "manifest" : "tag",
      digest,
      size,
      tags: byDigest ? tags : [target.reference],
      sharedWith: wholeGoes ? [] : tags.filter((tag) => !going.has(key(target, tag))),
    };
  });
  return removals.toSorted(
    (a, b) => Number(a.deletes === "manifest") - Number(b.deletes === "manifest"),
  );
}

function key({ registry, repository }: Target, reference: string): string {
  return `${registry} ${repository} ${reference}`;
}
