import type { RetentionInventory, RetentionManifest } from "../inventory/retention-inventory.ts";
import type { Tag } from "../oci/reference.ts";
import type { CompiledPolicy } from "./compile.ts";
import { type DecideContext, type Place, TagFacts } from "./facts.ts";
import { followersIn } from "./follow.ts";
import { type Graph, type Marks, graphOf } from "./graph.ts";
import { rootsOf } from "./manifests.ts";
import type { RetentionVerdict } from "./verdict.ts";

/** A manifest that could go, and where in the list those stand that it leads to. */
export interface Node {
  readonly manifest: RetentionManifest;
  readonly leadsTo: readonly number[];
}

/** An image that a budget may let go, with all of its tags. */
export interface Candidate {
  /** Its place among the nodes of its repository. */
  readonly node: number;
  readonly nodes: readonly Node[];
  /** In ASCII order. */
  readonly tags: readonly Tag[];
  /** The latest of its tags. */
  readonly time: number;
}

export interface Candidates {
  /** What stays whatever a budget says. */
  readonly pinned: readonly RetentionManifest[];
  readonly nodes: readonly Node[];
  readonly candidates: readonly Candidate[];
  /**
   * By last use: what was used later may be younger than an image of which nobody knows the last use (its push
   * is the least), so it may not go before it. Infinity: there is none.
   */
  readonly notAfter: number;
}

/**
 * What a budget may take of one repository, after its rules. Pure.
 *
 * A digest is a candidate if none of its tags is kept by a rule, is immutable, or is without a time. All
 * that it alone leads to would go with it.
 */
export function candidatesIn(
  inventory: RetentionInventory,
  verdict: RetentionVerdict,
  policy: CompiledPolicy,
  context: DecideContext,
): Candidates {
  const gone = new Set(verdict.manifests.map(({ digest }) => digest));
  const manifests = inventory.manifests.filter(({ digest }) => !gone.has(digest));
  const all = { ...inventory, manifests };
  const { budget } = policy.settings;
  if (verdict.keptWhole !== null || budget === undefined) {
    return { pinned: manifests, nodes: [], candidates: [], notAfter: Infinity };
  }
  const followers = followersIn(all.tags, manifests);
  const graph = graphOf(all, followers);
  const images = all.tags.length - followers.size;
  const place = { inventory: all, context, images, partsOf: graph.partsOf.bind(graph) };
  const open = new Map<number, { tags: Tag[]; time: number }>();
  const held = graph.marks();
  let notAfter = Infinity;
  for (const [at, tag] of all.tags.entries()) {
    const node = graph.placeOfTag[at] ?? -1;
    const manifest = manifests[node];
    const said = verdict.tags[at];
    if (manifest === undefined || said?.outcome !== "keep") continue;
    const follower = followers.get(at);
    // Its subject holds it.
    if (follower !== undefined && follower.subject !== null && tag.immutable !== true) continue;
    const facts = new TagFacts(tag, manifest, place);
    const time = facts.time(budget.oldest);
    const isOpen = follower === undefined && said.rule === null && tag.immutable !== true;
    if (isOpen && time === null) notAfter = Math.min(notAfter, facts.time("pushed") ?? Infinity);
    if (!isOpen || time === null) held[node] = 1;
    else if (!open.has(node)) open.set(node, { tags: [tag.tag], time });
    else {
      const known = open.get(node);
      known?.tags.push(tag.tag);
      if (known) known.time = Math.max(known.time, time);
    }
  }
  for (const node of open.keys()) if (held[node] === 1) open.delete(node);
  return { ...divided(policy, place, graph, open, held), notAfter };
}

/** Divides what stays from what could go. */
function divided(
  policy: CompiledPolicy,
  place: Place,
  graph: Graph,
  open: ReadonlyMap<number, { readonly tags: readonly Tag[]; readonly time: number }>,
  held: Marks,
): Omit<Candidates, "notAfter"> {
  const opened = graph.marks();
  for (const node of open.keys()) opened[node] = 1;
  const reached = graph.reach(opened);
  const stays = graph.reach(rootsOf(policy, place, graph, reached, held));
  const numbers = new Map<number, number>();
  for (const at of graph.manifests.keys()) {
    if (stays[at] !== 1) numbers.set(at, numbers.size);
  }
  const nodes = [...numbers.keys()].flatMap((at) => {
    const manifest = graph.manifests[at];
    const leadsTo = graph.leadsTo(at).flatMap((next) => numbers.get(next) ?? []);
    return manifest === undefined ? [] : [{ manifest, leadsTo }];
  });
  const candidates = [...open].flatMap(([at, { tags, time }]) => {
    const node = numbers.get(at);
    return node === undefined ? [] : [{ node, nodes, tags: tags.toSorted(), time }];
  });
  return { pinned: graph.manifests.filter((_, at) => stays[at] === 1), nodes, candidates };
}
