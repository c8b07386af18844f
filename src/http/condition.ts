import type { Digest } from "../oci/digest.ts";

/** The entity tag of content: its digest, which no other content has. */
export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

/**
 * Whether the client says in If-None-Match that it has this content, so that a 304 is enough. Pure.
 *
 * @see RFC 9110, section 13.1.2: a list of entity tags, weak or not, or `*` for whatever there is
 */
export function isKnown(asked: Headers, digest: Digest): boolean {
  const condition = asked.get("if-none-match");
  if (condition === null) return false;
  return condition.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" || tag.replace(/^W\//, "") === entityTag(digest);
  });
}
