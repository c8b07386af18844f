import type { RetentionManifest, RetentionTag } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Place } from "./facts.ts";
import type { Follower } from "./follow.ts";
import type { Graph, Marks } from "./graph.ts";
import { deletesUntagged, keepsUntagged } from "./match.ts";
import type { ManifestVerdict, TagVerdict } from "./verdict.ts";
import { dateText, durationText, shortDigest } from "./words.ts";

/**
 * Which manifests go: those whose tags go and untagged ones that a rule names, with all that they lead to,
 * less all that something else leads to that stays. Pure.
 *
 * `verdicts` has those of images and of followers without a subject; the others' are still open: they do
 * not hold their manifest, their subject does.
 */
export function goingWith(
  verdicts: readonly (TagVerdict | undefined)[],
  policy: CompiledPolicy,
  place: Place,
  graph: Graph,
  tags: readonly RetentionTag[],
  followers: ReadonlyMap<number, Follower>,
): Marks {
  const [doomed, stays, tagged] = [graph.marks(), graph.marks(), graph.marks()];
  let at = 0;
  for (const tag of tags) {
    const manifest = graph.placeOfTag[at] ?? -1;
    tagged[manifest] = 1;
    const verdict = verdicts[at];
    if (verdict?.outcome === "delete") doomed[manifest] = 1;
    const held =
      verdict === undefined ? isHeld(tag, followers.get(at)) : verdict.outcome === "keep";
    if (held) stays[manifest] = 1;
    at++;
  }
  for (const manifest of untaggedDoomed(policy, place, graph, tagged)) doomed[manifest] = 1;

  const reached = graph.reach(doomed);
  const kept = graph.reach(rootsOf(policy, place, graph, reached, stays));
  return reached.map((mark, manifest) => (mark === 1 && kept[manifest] !== 1 ? 1 : 0));
}

/** A follower's tag by itself holds nothing, unless the registry refuses to remove it. */
function isHeld(tag: RetentionTag, follower: Follower | undefined): boolean {
  return follower !== undefined && tag.immutable === true;
}

/** What nothing doomed leads to, and what is held for its own sake: by the marks, and by those who run it. */
export function rootsOf(
  policy: CompiledPolicy,
  place: Place,
  graph: Graph,
  reached: Marks,
  stays: Marks,
): Marks {
  const roots = reached.map((mark, at) => (mark !== 1 || stays[at] === 1 ? 1 : 0));
  for (const at of usedByDigest(policy, place, graph, reached)) roots[at] = 1;
  return roots;
}

/** Those that a rule about untagged manifests names, and no keep rule keeps. Whether something needs them shows later. */
function untaggedDoomed(
  policy: CompiledPolicy,
  place: Place,
  graph: Graph,
  tagged: Marks,
): readonly number[] {
  // Where not everything is listed, nobody can say that nothing needs them.
  const rules = policy.delete.filter(({ settings }) => settings.untagged === true);
  if (rules.length === 0 || !place.inventory.untaggedListed) return [];
  const doomed: number[] = [];
  for (let at = 0; at < tagged.length; at++) {
    const manifest = graph.manifests[at];
    if (manifest === undefined || tagged[at] === 1) continue;
    if (!rules.some((rule) => deletesUntagged(rule, manifest, place))) continue;
    if (policy.keep.some((rule) => keepsUntagged(rule, manifest, place) !== false)) continue;
    doomed.push(at);
  }
  return doomed;
}

/** What somebody runs by its digest stays, also where all that led to it goes. */
function* usedByDigest(
  policy: CompiledPolicy,
  place: Place,
  graph: Graph,
  reached: Marks,
): Generator<number> {
  const sources = policy.keep.flatMap(({ settings, alsoUntagged }) =>
    alsoUntagged ? (settings.inUse ?? []) : [],
  );
  if (sources.length === 0) return;
  const { inventory, context } = place;
  for (const [at, { digest }] of graph.manifests.entries()) {
    if (reached[at] !== 1) continue;
    if (context.inUse.find(sources, inventory.name, null, digest) !== null) yield at;
  }
}

/** The manifests that go, in the order in which they can: parents before children, subjects before what refers to them. */
export function doomedManifests(
  going: Marks,
  verdicts: readonly TagVerdict[],
  place: Place,
  graph: Graph,
  policy: CompiledPolicy,
): readonly ManifestVerdict[] {
  const tagsOf: (Tag[] | undefined)[] = Array.from({ length: going.length });
  const firstOf = new Int32Array(going.length).fill(-1);
  let index = 0;
  for (const { tag } of verdicts) {
    const at = graph.placeOfTag[index] ?? -1;
    const others = tagsOf[at];
    if (others !== undefined) others.push(tag);
    else if (going[at] === 1) {
      tagsOf[at] = [tag];
      firstOf[at] = index;
    }
    index++;
  }
  const { order, leaders } = graph.inOrder(going);
  const doomed: ManifestVerdict[] = [];
  for (const at of order) {
    const manifest = graph.manifests[at];
    if (manifest === undefined) continue;
    const { digest, mediaType } = manifest;
    const leader = graph.manifests[leaders[at] ?? -1];
    const { rule, reason } =
      verdicts[firstOf[at] ?? -1] ??
      (leader === undefined
        ? untaggedReason(policy, at, place, graph)
        : { rule: null, reason: partReason(digest, leader) });
    doomed.push({ digest, mediaType, tags: tagsOf[at] ?? NO_TAGS, rule, reason });
  }
  return doomed;
}

const NO_TAGS: readonly Tag[] = [];

function partReason(digest: Digest, leader: RetentionManifest): string {
  const how = leader.children.includes(digest) ? "part of" : "refers to";
  return `${how} ${shortDigest(leader.digest)}, which goes`;
}

function untaggedReason(
  policy: CompiledPolicy,
  at: number,
  place: Place,
  graph: Graph,
): Pick<ManifestVerdict, "rule" | "reason"> {
  const manifest = graph.manifests[at];
  const rule = policy.delete.find((one) => manifest && deletesUntagged(one, manifest, place));
  if (manifest === undefined || rule === undefined) return { rule: null, reason: "untagged" };
  const { olderThan } = rule.settings;
  const since = manifest.untaggedAt ?? manifest.pushedAt;
  const when = since === null ? "" : ` (since ${dateText(since)})`;
  const age = olderThan === undefined ? "" : `, older than ${durationText(olderThan)}${when}`;
  return { rule: rule.name, reason: `untagged${age}` };
}
