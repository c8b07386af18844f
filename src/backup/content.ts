import type { SetBlobs, SetRepository, Counts } from "./set.ts";
import type { Snapshot } from "../metadata/snapshot.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";

/** What a snapshot has, as a set, repository by repository. */
export interface SetContent {
  repositories(): Generator<SetRepository>;
  readonly blobs: SetBlobs;
  readonly counts: Counts;
  /** What was left out because something of it is damaged: `repository@digest`, `repository:tag`. */
  readonly leftOut: readonly string[];
}

/** `damaged`: blobs that cannot be had, and with them whatever needs them. */
export function contentOf(snapshot: Snapshot, damaged: ReadonlySet<Digest>): SetContent {
  const blobs = new Map<Digest, number>();
  const leftOut: string[] = [];
  const counts = { repositories: 0, tags: 0, manifests: 0 };
  function* repositories(): Generator<SetRepository> {
    for (const { name, ...all } of snapshot.repositories()) {
      const without = damaged.size > 0 ? needing(damaged, snapshot, name) : damaged;
      const has = ({ digest }: { readonly digest: Digest }): boolean => !without.has(digest);
      const tags = all.tags.filter(has);
      const manifests = all.manifests.filter(has).map(({ digest }) => digest);
      const layers = all.blobs.filter(has).map(({ digest }) => digest);
      // An empty folder says nothing that anybody could pull.
      if (manifests.length + layers.length > 0) yield { name, tags, manifests, layers };
    }
  }
  for (const { name, ...all } of snapshot.repositories()) {
    const without = damaged.size > 0 ? needing(damaged, snapshot, name) : damaged;
    for (const { digest, size } of [...all.manifests, ...all.blobs]) {
      if (!without.has(digest)) blobs.set(digest, size);
    }
    for (const { digest } of all.manifests)
      if (without.has(digest)) leftOut.push(`${name}@${digest}`);
    for (const { tag, digest } of all.tags) if (without.has(digest)) leftOut.push(`${name}:${tag}`);
  }
  for (const { tags, manifests } of repositories()) {
    counts.repositories++;
    counts.tags += tags.length;
    counts.manifests += manifests.length;
  }
  const bytes = [...blobs.values()].reduce((sum, size) => sum + size, 0);
  return { repositories, blobs, counts: { ...counts, blobs: blobs.size, bytes }, leftOut };
}

/** These, and the manifests of a repository that need one of them, however far up. */
function needing(
  damaged: ReadonlySet<Digest>,
  snapshot: Snapshot,
  name: RepositoryName,
): ReadonlySet<Digest> {
  const all = new Set(damaged);
  const parents = Map.groupBy(snapshot.references(name), ({ digest }) => digest);
  // A set is walked in the order of insertion, what is added on the way included.
  for (const digest of all) {
    for (const { manifest } of parents.get(digest) ?? []) all.add(manifest);
  }
  return all;
}
