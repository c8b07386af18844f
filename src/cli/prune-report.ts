import { printable } from "../client/http/printable.ts";
import { countActions } from "../plan/plan-repository.ts";
import type {
  DeleteManifest,
  KeptTag,
  PlannedAction,
  PlannedRepository,
  PrunePlan,
  RemoveTag,
  RestoreTag,
} from "../plan/prune-plan.ts";
import type { PruneResult, RepositoryResult } from "../plan/prune-result.ts";
import { compareNatural } from "../retention/order.ts";
import { counted, humanSize, shortDigest } from "./units.ts";

/** So much of a plan is shown on a terminal; `--json` and `--out` have all of it. */
const REPOSITORIES = 100;
const ACTIONS = 10;
const KEPT = 5;
const TAGS = 5;

/** The plan for people: repository by repository what goes and why, what stays all the same, then totals. Pure. */
export function planLines(plan: PrunePlan): string[] {
  const { registry, repositories, totals, warnings } = plan;
  const going = repositories.filter(hasRemovals);
  const doubtful = repositories.filter(
    (repository) => !hasRemovals(repository) && repository.kept.length > 0,
  );
  return [
    ...(going.length > 0 ? [`To delete from ${placed(registry)}:`] : []),
    ...going.slice(0, REPOSITORIES).flatMap(repositoryLines),
    ...more(going.length - REPOSITORIES, "repository", "  "),
    ...restoreLines(repositories.filter((repository) => restoresOf(repository).length > 0)),
    ...doubtLines(doubtful),
    ...keptWholeLines(totals.keptRepositories),
    ...warnings.map((text) => `note: ${printable(text)}`),
    totalLine(plan),
  ];
}

/** Without a configuration a registry is called by its place. */
function placed({ name, place }: PrunePlan["registry"]): string {
  return place.endsWith(name) ? printable(place) : `${name} (${printable(place)})`;
}

function repositoryLines({
  repository,
  policy,
  tags,
  actions,
  kept,
  bytes,
}: PlannedRepository): string[] {
  const counts = countActions(actions);
  const removals = actions.filter((one) => one.action === "remove-tag");
  const deletions = actions.filter((one) => one.action === "delete-manifest");
  // What only follows others is counted, and not named: an index brings a dozen.
  const named = deletions.filter((one) => one.tags.length > 0 || one.rule !== null);
  const following = deletions.length - named.length;
  const lines = [...named, ...removals].toSorted(byTag).map(actionLine);
  return [
    `  ${repository}  (policy ${printable(policy ?? "none")}): ${counts.tags} of ${counted(tags, "tag")}, ${counted(counts.manifests, "manifest")}; ${sizes(bytes)}`,
    ...lines.slice(0, ACTIONS),
    ...more(lines.length - ACTIONS, "image", "    "),
    ...(following > 0 ? [`    and ${counted(following, "manifest")} that only these need`] : []),
    ...kept.toSorted(byTag).slice(0, KEPT).map(keptLine),
    ...more(kept.length - KEPT, "kept tag", "    "),
  ];
}

function hasRemovals({ actions }: PlannedRepository): boolean {
  return actions.some((one) => one.action !== "restore-tag");
}

function restoresOf({ actions }: PlannedRepository): readonly RestoreTag[] {
  return actions.filter((one) => one.action === "restore-tag");
}

/** Tags that a removal which was cut off has left on an empty manifest, and that stay. */
function restoreLines(all: readonly PlannedRepository[]): string[] {
  if (all.length === 0) return [];
  return [
    "To put back, because their removal was cut off and they stay:",
    ...all
      .slice(0, REPOSITORIES)
      .map((one) => `  ${one.repository}: ${names(restoresOf(one).map(({ tag }) => tag))}`),
    ...more(all.length - REPOSITORIES, "repository", "  "),
  ];
}

function actionLine(action: RemoveTag | DeleteManifest): string {
  return action.action === "remove-tag" ? removalLine(action) : deletionLine(action);
}

/** `v9` before `v10`; what has no tag comes last. */
function byTag(a: PlannedAction | KeptTag, b: PlannedAction | KeptTag): number {
  const [one, other] = [firstTag(a), firstTag(b)];
  if (one === undefined || other === undefined) {
    return Number(one === undefined) - Number(other === undefined);
  }
  return compareNatural(one, other);
}

function firstTag(one: PlannedAction | KeptTag): string | undefined {
  return "tags" in one ? one.tags.toSorted(compareNatural)[0] : one.tag;
}

function deletionLine({ tags, digest, rule, reason }: DeleteManifest): string {
  const what = tags.length === 0 ? "untagged" : names(tags);
  return `    ${what}  (${shortDigest(digest)}): ${why(rule, reason)}`;
}

function removalLine({ tag, digest, rule, reason, sharedWith }: RemoveTag): string {
  const stays =
    sharedWith.length > 0 ? `its image stays for ${names(sharedWith)}` : "its image stays";
  return `    ${tag}  (${shortDigest(digest)}): ${why(rule, reason)}; ${stays}`;
}

function keptLine({ tag, digest, reason }: KeptTag): string {
  return `    kept ${tag}  (${shortDigest(digest)}): ${printable(reason)}`;
}

function why(rule: string | null, reason: string): string {
  return rule === null ? printable(reason) : `${printable(reason)} [${rule}]`;
}

function names(tags: readonly string[]): string {
  const shown = tags
    .toSorted(compareNatural)
    .slice(0, TAGS)
    .map((tag) => printable(tag))
    .join(", ");
  return tags.length > TAGS ? `${shown} and ${tags.length - TAGS} more` : shown;
}

/** Repositories of which nothing goes, although something would but for its digest or its dates. */
function doubtLines(all: readonly PlannedRepository[]): string[] {
  if (all.length === 0) return [];
  return [
    "Kept, although a rule names them:",
    ...all.slice(0, REPOSITORIES).map(({ repository, kept }) => {
      const [first] = kept;
      const because = `${first?.tag} because ${printable(first?.reason ?? "")}`;
      return `  ${repository}: ${counted(kept.length, "tag")}, ${because}`;
    }),
    ...more(all.length - REPOSITORIES, "repository", "  "),
  ];
}

function keptWholeLines(all: PrunePlan["totals"]["keptRepositories"]): string[] {
  if (all.length === 0) return [];
  return [
    "Kept whole:",
    ...all
      .slice(0, REPOSITORIES)
      .map(({ repository, reason }) => `  ${repository}: ${printable(reason)}`),
    ...more(all.length - REPOSITORIES, "repository", "  "),
  ];
}

function totalLine({ totals, registry }: PrunePlan): string {
  const { tags, manifests, bytes, repositories } = totals;
  const of = `${counted(tags.all, "tag")} in ${counted(repositories, "repository")}`;
  if (tags.deleted + manifests === 0) return `nothing goes from ${registry.name}: ${of} stay`;
  const about = registry.bytes === "estimated" ? ", as far as their manifests tell" : "";
  const later = bytes.freed > 0 ? "; the registry's garbage collection frees them" : "";
  return `${tags.deleted} of ${of} go, and ${counted(manifests, "manifest")}: ${sizes(bytes)}${about}${later}`;
}

/** Deleting frees nothing by itself: blobs stay until something collects them. */
function sizes({ freed, shared }: PlannedRepository["bytes"]): string {
  return `${humanSize(freed)} to collect${shared > 0 ? `, ${humanSize(shared)} still shared` : ""}`;
}

function more(count: number, noun: string, indent: string): string[] {
  return count > 0 ? [`${indent}… and ${counted(count, `more ${noun}`)}; --json has all`] : [];
}

/** What is asked after the plans were shown. Pure. */
export function question(plans: readonly PrunePlan[]): string {
  const sum = (of: (plan: PrunePlan) => number): number =>
    plans.reduce((total, plan) => total + of(plan), 0);
  const tags = counted(
    sum(({ totals }) => totals.tags.deleted),
    "tag",
  );
  const manifests = counted(
    sum(({ totals }) => totals.manifests),
    "manifest",
  );
  const where = plans.map(({ registry }) => registry.name).join(", ");
  const size = humanSize(sum(({ totals }) => totals.bytes.freed));
  const restored = sum(({ repositories }) =>
    repositories.reduce((all, one) => all + restoresOf(one).length, 0),
  );
  const also = restored > 0 ? ` and put ${counted(restored, "tag")} back` : "";
  return `Delete ${tags} and ${manifests} (${size} to collect) from ${where}${also}? [y/N] `;
}

/** Whether a plan changes anything. Pure. */
export function isNothing({ repositories }: PrunePlan): boolean {
  return repositories.every(({ actions }) => actions.length === 0);
}

/** What was done, for people; first what was not. Pure. */
export function resultLines({ registry, repositories, totals }: PruneResult): string[] {
  const wrong = repositories.filter(({ outcome }) => !["done", "before"].includes(outcome));
  const { done, before } = totals.repositories;
  const earlier = before > 0 ? `; ${counted(before, "repository")} before` : "";
  return [
    ...wrong.slice(0, REPOSITORIES).map(wrongLine),
    ...more(wrong.length - REPOSITORIES, "repository", ""),
    `deleted ${counted(totals.tags, "tag")} and ${counted(totals.manifests, "manifest")} from ${registry.name}: ` +
      `${counted(done, "repository")} done${earlier}; ${humanSize(totals.freed)} wait for its garbage collection`,
  ];
}

const SAYS: Readonly<Record<RepositoryResult["outcome"], string>> = {
  done: "done",
  before: "done before",
  drifted: "has changed since the plan was made, and is left as it is",
  refused: "refused",
  failed: "failed",
  stopped: "not done",
};

function wrongLine({ repository, outcome, reason }: RepositoryResult): string {
  return `${repository}: ${SAYS[outcome]}${reason === null ? "" : `: ${printable(reason)}`}`;
}
