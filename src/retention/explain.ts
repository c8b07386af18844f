import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { CompiledPolicy } from "./compile.ts";
import { type RetentionContext, decideRetention } from "./decide.ts";
import { type RuleExplanation, explainDelete, explainKeep } from "./explain-rule.ts";
import { Images, type Place, type TagFacts } from "./facts.ts";
import { followersIn } from "./follow.ts";
import { graphOf } from "./graph.ts";
import { judgeImages } from "./judge.ts";
import type { TagVerdict } from "./verdict.ts";

export type { ConditionExplanation, RuleExplanation } from "./explain-rule.ts";

/** Why a tag stays or goes, rule by rule: the data of `wharf prune --explain`. Times are UTC milliseconds. */
export interface Explanation {
  readonly repository: RepositoryName;
  readonly policy: string | null;
  readonly verdict: TagVerdict;
  /** Not null: nothing of the repository goes, because of this. */
  readonly keptWhole: string | null;
  /** Whether it is a signature, an attestation or the like, which rules are not about. */
  readonly follows: boolean;
  readonly immutable: boolean;
  /** What is known and believed; `pulled` is the last use, a push included. */
  readonly times: {
    readonly pushed: number | null;
    readonly created: number | null;
    readonly pulled: number | null;
  };
  /** Tags of the same digest that stay: with any of them the digest stays. */
  readonly sharedWith: readonly Tag[];
  /** Whether its digest goes. */
  readonly digestGoes: boolean;
  /** Delete rules, then keep rules, each in the order of the policy. */
  readonly rules: readonly RuleExplanation[];
}

/** Explains one tag; null: the inventory has no such tag. Pure. */
export function explainTag(
  inventory: RetentionInventory,
  policy: CompiledPolicy | null,
  context: RetentionContext,
  tag: Tag,
): Explanation | null {
  const at = inventory.tags.findIndex((one) => one.tag === tag);
  const result = decideRetention(inventory, policy, context);
  const verdict = result.tags[at];
  if (verdict === undefined) return null;
  const { manifests, tags } = inventory;
  const followers = followersIn(tags, manifests);
  const graph = graphOf(inventory, followers);
  const place: Place = {
    inventory,
    context,
    images: tags.length - followers.size,
    partsOf: (manifest) => graph.partsOf(manifest),
  };
  const images = new Images(place, graph, (index) => index === at || !followers.has(index));
  const facts = images.at(at);
  return {
    repository: inventory.name,
    policy: result.policy,
    verdict,
    keptWhole: result.keptWhole,
    follows: followers.has(at),
    immutable: tags[at]?.immutable === true,
    times: {
      pushed: facts?.time("pushed") ?? null,
      created: facts?.time("created") ?? null,
      pulled: facts?.time("pulled") ?? null,
    },
    sharedWith: result.tags
      .filter((one) => one.digest === verdict.digest && one.outcome === "keep" && one !== verdict)
      .map((one) => one.tag),
    digestGoes: result.manifests.some(({ digest }) => digest === verdict.digest),
    rules:
      policy === null || facts === undefined || followers.get(at)?.subject
        ? []
        : rulesAbout(policy, images, at, facts),
  };
}

function rulesAbout(
  policy: CompiledPolicy,
  images: Images,
  at: number,
  facts: TagFacts,
): readonly RuleExplanation[] {
  const others = { ...policy, keep: policy.keep.filter(({ newest }) => newest?.of !== "doomed") };
  const judgements = judgeImages(others, images, new Set());
  const isDoomed = (index: number): boolean =>
    judgements.isDoomed(index) && images.at(index)?.tag.immutable !== true;
  return [
    ...policy.delete
      .filter(({ settings }) => settings.untagged !== true)
      .map((rule) => explainDelete(rule, facts)),
    ...policy.keep.map((rule) => explainKeep(rule, facts, images, isDoomed, at)),
  ];
}
