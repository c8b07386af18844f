import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Reference } from "../oci/reference.ts";

/** What one registry can say of a manifest. */
export interface Content {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of all that a pull of every platform brings, each blob once; null when it cannot be known. */
  readonly size: number | null;
  /** `os/architecture[/variant]`, as far as the index or the config says. */
  readonly platforms: readonly string[];
}

/** A tag of a repository with what it names. */
export interface TagDescription {
  /** As the registry sent it, unchecked. */
  readonly tag: string;
  /** Null when the registry lists the tag and has no manifest for it. */
  readonly content: Content | null;
  /** UTC milliseconds; null when the registry does not say. */
  readonly pushedAt: number | null;
}

/** A manifest with every tag of its repository that names it. */
export interface ManifestDescription extends Content {
  readonly tags: readonly string[];
}

/** Describes what a registry has. What it has read it may remember: take a new one to see changes. */
export interface Describer {
  /** All tags of a repository, in the registry's order. Throws NAME_UNKNOWN. */
  tags(name: RepositoryName): AsyncGenerator<TagDescription>;
  /** Throws MANIFEST_UNKNOWN or NAME_UNKNOWN. */
  manifest(name: RepositoryName, reference: Reference): Promise<ManifestDescription>;
}
