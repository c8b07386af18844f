import type { MetadataReads } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Known } from "./checkable.ts";

/**
 * For each digest the images of the repository that need it: their tags, or the digest of a manifest
 * without one. What nothing needs has no entry. Each manifest is visited once for each image, however
 * many ways lead to it.
 */
export async function imagesThatNeed(
  wanted: ReadonlySet<Digest>,
  name: RepositoryName,
  { manifests, tags }: Known,
  metadata: Pick<MetadataReads, "referencesOf">,
): Promise<Map<Digest, string[]>> {
  const images = new Map<Digest, string[]>();
  const reached = new Set<Digest>();
  const walk = async (root: Digest, names: readonly string[]): Promise<void> => {
    const seen = new Set<Digest>([root]);
    // A set can grow while it is walked: what is added is met later.
    for (const digest of seen) {
      if (wanted.has(digest)) images.set(digest, [...(images.get(digest) ?? []), ...names]);
      if (manifests.has(digest)) reached.add(digest);
      for (const reference of await metadata.referencesOf(name, digest)) seen.add(reference.digest);
    }
    await new Promise(setImmediate);
  };

  const tagged = Map.groupBy(tags, ([, digest]) => digest);
  for (const [digest, named] of tagged) {
    await walk(
      digest,
      named.map(([tag]) => `${name}:${tag}`),
    );
  }
  const untagged = [...manifests].filter((digest) => !reached.has(digest));
  for (const digest of untagged) await walk(digest, [`${name}@${digest}`]);
  return images;
}
