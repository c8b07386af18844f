import type { Digest } from "../oci/digest.ts";
import type { NameGlob } from "../oci/name-glob.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { WholeSet } from "./chain.ts";
import type { SetRepository, SetTag } from "./set.ts";

/** What a restore would do. */
export interface RestorePlan {
  readonly repositories: readonly PlannedRepository[];
  /** The blobs that these need, each with its size and where it is. */
  readonly blobs: WholeSet["blobs"];
}

export interface PlannedRepository extends SetRepository {
  /** It is not there yet. */
  readonly isNew: boolean;
  readonly planned: readonly PlannedTag[];
}

/**
 * `kept`: the tag names something else now, and goes on to. `moved`: the same, and it was asked for that.
 */
export interface PlannedTag extends SetTag {
  readonly now: Digest | null;
  readonly does: "added" | "same" | "moved" | "kept";
}

/** What these tags of a repository name now, or all; null when it is not there, as far as that can be told. */
export type TagsNow = (
  name: RepositoryName,
  tags: readonly Tag[],
) => Promise<ReadonlyMap<Tag, Digest> | null>;

/** `only`: repositories of these names; all of them when there are none. Changes nothing. */
export async function planRestore(
  { repositories, blobs }: Pick<WholeSet, "repositories" | "blobs">,
  tagsNow: TagsNow,
  { only, overwriteTags }: { readonly only: readonly NameGlob[]; readonly overwriteTags: boolean },
): Promise<RestorePlan> {
  const planned: PlannedRepository[] = [];
  const needed = new Map<Digest, { size: number; source: string }>();
  for (const repository of repositories) {
    if (only.length > 0 && !only.some((glob) => glob.matches(repository.name))) continue;
    const now = await tagsNow(
      repository.name,
      repository.tags.map(({ tag }) => tag),
    );
    const tags = repository.tags.map((tag) =>
      planTag(tag, now?.get(tag.tag) ?? null, overwriteTags),
    );
    planned.push({ ...repository, isNew: now === null, planned: tags });
    for (const digest of [...repository.layers, ...repository.manifests]) {
      const found = blobs.get(digest);
      if (found) needed.set(digest, found);
    }
  }
  return { repositories: planned, blobs: needed };
}

function planTag(tag: SetTag, now: Digest | null, overwrite: boolean): PlannedTag {
  if (now === null) return { ...tag, now, does: "added" };
  if (now === tag.digest) return { ...tag, now, does: "same" };
  return { ...tag, now, does: overwrite ? "moved" : "kept" };
}

/** How many tags of a plan are added, moved, … */
export function countTags({
  repositories,
}: {
  readonly repositories: readonly Pick<PlannedRepository, "planned">[];
}): Readonly<Record<PlannedTag["does"], number>> {
  const counts = { added: 0, same: 0, moved: 0, kept: 0 };
  for (const { planned } of repositories) for (const { does } of planned) counts[does]++;
  return counts;
}
