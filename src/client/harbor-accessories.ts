import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, referrersTag } from "../oci/reference.ts";
import type { Connection } from "./connection.ts";
import { listHarborTags, readHarborArtifact } from "./harbor-artifacts.ts";

/** An accessory that somebody has given a tag. */
export interface TaggedAccessory {
  readonly digest: Digest;
  readonly subject: Digest;
  readonly tags: readonly Tag[];
}

/**
 * The first accessory with a tag of its own that Harbor would delete along with an artifact: one of the artifact,
 * of a child that no tag keeps, or of another accessory. Null: there is none. The tags by which cosign and others
 * find what belongs to a subject are none of its own. A child that another index keeps counts as if it went.
 *
 * Lists of artifacts leave accessories out, so that each has to be asked for. Throws as `listHarborTags`.
 */
export async function findTaggedAccessory(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
): Promise<TaggedAccessory | null> {
  const waiting: Digest[] = [digest];
  const seen = new Set(waiting);
  const add = (one: Digest): void => {
    if (!seen.has(one)) waiting.push(one);
    seen.add(one);
  };
  const below = new Set<Digest>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const artifact = await readHarborArtifact(connection, name, next);
    if (!artifact || (below.has(next) && artifact.tags.length > 0)) continue;
    for (const accessory of artifact.accessories) {
      const all = await listHarborTags(connection, name, accessory.digest);
      const tags = all.filter((tag) => !follows(tag, artifact.digest));
      if (tags.length > 0) return { digest: accessory.digest, subject: artifact.digest, tags };
      add(accessory.digest);
    }
    for (const child of artifact.children) {
      if (!seen.has(child)) below.add(child);
      add(child);
    }
  }
  return null;
}

/** @see OCI distribution spec 1.1, "Referrers Tag Schema"; cosign adds what it is. */
function follows(tag: Tag, subject: Digest): boolean {
  const start = referrersTag(subject);
  return tag.startsWith(start) && /^(?:\.(?:sig|att|sbom))?$/.test(tag.slice(start.length));
}
