import type { RepositoryName } from "../oci/name.ts";
import type { RetentionPolicy } from "../retention/policy.ts";

/** What a plan would take from one repository. */
export interface Wanted {
  readonly repository: RepositoryName;
  readonly policy: RetentionPolicy;
  /** Tags there are, and those of them that would go. */
  readonly tags: number;
  readonly deletedTags: number;
  /** Manifests without a tag that a rule names, those that only follow others left out. */
  readonly deletedUntagged: number;
}

/** The words with which a repository is refused; null: it is not. */
type Refusal = string | null;

/**
 * What a run may not do, by repository. First: none loses all of its tags unless its policy says so. Then:
 * no policy takes more than its `maxDelete`, or nothing of it is done at all: a policy that is wrong in one
 * repository is not right in the next. Last: no run leaves a registry without any tag. What is refused by
 * the first is not counted by the second. `scoped`: the caller has named repositories, so that what is
 * looked at is not all there is. Pure.
 */
export function refusals(
  all: readonly Wanted[],
  { tags, scoped }: { readonly tags: number; readonly scoped: boolean },
): ReadonlyMap<RepositoryName, string> {
  const refused = new Map<RepositoryName, string>();
  const refuse = (these: readonly Wanted[], why: (one: Wanted) => Refusal): void => {
    for (const one of these) {
      const reason = why(one);
      if (reason !== null) refused.set(one.repository, reason);
    }
  };
  const left = (): Wanted[] => all.filter(({ repository }) => !refused.has(repository));

  refuse(all, emptied);
  for (const [policy, these] of Map.groupBy(left(), (one) => one.policy)) {
    const counted = all.filter((one) => one.policy === policy);
    const reason = tooMuch(policy, {
      tags: sum(counted, "tags"),
      deletedTags: sum(these, "deletedTags"),
      deletedUntagged: sum(these, "deletedUntagged"),
    });
    refuse(these, ({ deletedTags, deletedUntagged }) =>
      deletedTags + deletedUntagged > 0 ? reason : null,
    );
  }
  const wiped = !scoped && tags > 0 && sum(left(), "deletedTags") === tags;
  if (wiped) refuse(left(), wholeRegistry);
  return refused;
}

function emptied({ policy, tags, deletedTags }: Wanted): Refusal {
  if (tags === 0 || deletedTags < tags || policy.limits.emptyRepositories) return null;
  return `it would lose all of its tags (${tags}); \`limits: { emptyRepositories: true }\` of the policy would allow that`;
}

/** Pure. Null: it is within the limits. */
export function tooMuch(
  { name, limits }: Pick<RetentionPolicy, "name" | "limits">,
  { tags, deletedTags, deletedUntagged }: Pick<Wanted, "tags" | "deletedTags" | "deletedUntagged">,
): Refusal {
  const { share, count } = limits.maxDelete ?? {};
  if (share !== undefined && tags > 0 && deletedTags / tags > share) {
    return `policy ${name} would delete ${deletedTags} of ${tags} tags, more than its limit of ${percent(share)}`;
  }
  const things = deletedTags + deletedUntagged;
  if (count !== undefined && things > count) {
    return `policy ${name} would delete ${things} tags and untagged manifests, more than its limit of ${count}`;
  }
  return null;
}

/** Somebody who wants that has to say it twice: repositories may be emptied, and how much may go. */
function wholeRegistry({ policy, deletedTags }: Wanted): Refusal {
  if (deletedTags === 0 || policy.limits.maxDelete !== undefined) return null;
  return "no tag would be left in the whole registry; `limits: { maxDelete: 100% }` of the policy would allow that";
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10}%`;
}

function sum(all: readonly Wanted[], of: "tags" | "deletedTags" | "deletedUntagged"): number {
  return all.reduce((total, one) => total + one[of], 0);
}
