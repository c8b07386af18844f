import { type Digest, isDigest, parseDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";

/** A checked tag (distribution spec, "Pulling manifests"). */
export type Tag = string & { readonly tag: unique symbol };

/** What names a manifest inside a repository. */
export type Reference = Tag | Digest;

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isTag(text: string): text is Tag {
  return text.length <= 128 && TAG.test(text);
}

/** Throws TAG_INVALID. */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new RegistryError("TAG_INVALID", {
    reason: `${JSON.stringify(text.slice(0, 150))} is not a tag`,
  });
}

/** A text with a colon can only be a digest: tags have none. Throws DIGEST_INVALID or TAG_INVALID. */
export function parseReference(text: string): Reference {
  return text.includes(":") ? parseDigest(text) : parseTag(text);
}

export function isDigestReference(reference: Reference): reference is Digest {
  return isDigest(reference);
}

/**
 * The tag under which clients of registries without a referrers API keep the referrers of a manifest.
 *
 * @see OCI distribution spec 1.1, "Referrers Tag Schema"
 */
export function referrersTag(subject: Digest): Tag {
  const [algorithm = "", encoded = ""] = subject.split(":");
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`.replace(
    /[^a-zA-Z0-9._-]/g,
    "-",
  ) as Tag;
}
