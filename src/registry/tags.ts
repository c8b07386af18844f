import type { Who } from "../metadata/event.ts";
import type { Page, TagRecord } from "../metadata/metadata.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { unknown } from "./manifests.ts";
import { type Paged, cutPage } from "./pages.ts";
import type { Registry } from "./registry.ts";

/**
 * Tags in ASCII order. Throws NAME_UNKNOWN.
 *
 * @see OCI distribution spec 1.1, "Listing Tags"
 */
export async function listTags(
  name: RepositoryName,
  { last, limit }: Page,
  { metadata }: Registry,
): Promise<Paged<TagRecord>> {
  const tags = await metadata.listTags(name, { last, limit: limit + 1 });
  if (!tags) throw new RegistryError("NAME_UNKNOWN", { reason: name });
  return cutPage(tags, limit, ({ tag }) => tag);
}

/** The names alone, for clients that want nothing else. Throws NAME_UNKNOWN. */
export async function listTagNames(
  name: RepositoryName,
  { last, limit }: Page,
  { metadata }: Registry,
): Promise<Paged<Tag>> {
  const tags = await metadata.listTagNames(name, { last, limit: limit + 1 });
  if (!tags) throw new RegistryError("NAME_UNKNOWN", { reason: name });
  return cutPage(tags, limit, (tag) => tag);
}

/**
 * Removes one tag; the manifest stays for as long as something else needs it.
 *
 * Throws MANIFEST_UNKNOWN when the tag is not there, NAME_UNKNOWN, or DELETE_DISABLED.
 *
 * @see OCI distribution spec 1.1, "Deleting tags"
 */
export async function removeTag(
  name: RepositoryName,
  tag: Tag,
  by: Who | null,
  registry: Registry,
): Promise<void> {
  if (!registry.rules.delete) throw new RegistryError("DELETE_DISABLED");
  const removed = await registry.metadata.removeTag(name, tag, registry.now(), by);
  if (!removed) throw await unknown(name, tag, registry);
}
