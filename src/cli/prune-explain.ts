import { parseImageName } from "../client/image.ts";
import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import { RegistryError } from "../oci/errors.ts";
import { type Tag, isDigestReference } from "../oci/reference.ts";
import { printable } from "../client/http/printable.ts";
import type { Decider } from "../plan/decider.ts";
import type { PruneTarget } from "../plan/prune-target.ts";
import { planRepository } from "../plan/plan-repository.ts";
import { withInUse } from "../plan/with-in-use.ts";
import { explanationLines as sentences } from "../retention/explain-words.ts";
import type { RetentionVerdict, TagVerdict } from "../retention/verdict.ts";
import { shortDigest } from "./units.ts";

/** Which tag shall be explained. Throws USAGE. */
export function parseExplained(text: string) {
  const { host, repository, reference } = parseImageName(text);
  if (host === null && reference !== null && !isDigestReference(reference)) {
    return { repository, tag: reference };
  }
  const reason = `--explain ${JSON.stringify(text)}: it must be REPO:TAG, without a host or a digest`;
  throw new RegistryError("USAGE", { reason });
}

export type Explained = ReturnType<typeof parseExplained>;

/** What the policies say of one tag, and why, as a document. Throws MANIFEST_UNKNOWN, NAME_UNKNOWN. */
export async function explain(
  { repository, tag }: Explained,
  target: PruneTarget,
  decider: Decider,
) {
  const found = await target.inventoryOf(repository);
  if (found === null) {
    throw new RegistryError("NAME_UNKNOWN", { reason: `${target.registry.name}: ${repository}` });
  }
  const policy = decider.policyOf(repository);
  const inventory = await withInUse(target, found, decider.inUseOf(repository));
  const verdict = decider.decide(inventory);
  const decided = verdict.tags.find((one) => one.tag === tag);
  const explained = decider.explain(inventory, tag);
  if (!decided || !explained) {
    const reason = `${target.registry.name}: ${repository}:${tag}`;
    throw new RegistryError("MANIFEST_UNKNOWN", { reason });
  }
  const goes = verdict.manifests.some(({ digest }) => digest === decided.digest);
  const same = verdict.tags.filter(({ digest }) => digest === decided.digest);
  const alone = !goes && same.some(({ outcome }) => outcome === "delete");
  const held = alone ? await heldBack(inventory, verdict, target) : new Map<Tag, string>();
  return {
    registry: target.registry.name,
    repository,
    ...decided,
    policy: policy?.name ?? null,
    setting: ruleOf(decider, verdict, decided),
    keptWhole: verdict.keptWhole,
    held: held.get(tag) ?? null,
    manifest: goes ? "goes" : "stays",
    others: same
      .filter((one) => one.tag !== tag)
      .map((one) => ({ ...one, held: held.get(one.tag) ?? null })),
    times: explained.times,
    rules: explained.rules,
    sentences: sentences(explained),
  };
}

export type Explanation = Awaited<ReturnType<typeof explain>>;

/** Tags that were to go alone, and stay, because the registry removes no single tags: with what a plan says. */
async function heldBack(
  inventory: RetentionInventory,
  verdict: RetentionVerdict,
  target: PruneTarget,
): Promise<ReadonlyMap<Tag, string>> {
  if (verdict.keptWhole !== null || (await target.removesTags())) return new Map();
  const { tags } = verdict;
  const going = new Set(tags.flatMap(({ tag, outcome }) => (outcome === "delete" ? [tag] : [])));
  const { kept } = planRepository(inventory, verdict, { removesTags: false, readAt: 0 });
  return new Map(kept.flatMap(({ tag, reason }) => (going.has(tag) ? [[tag, reason]] : [])));
}

/** The rule as the configuration has it, without what is left out. */
function ruleOf(
  decider: Decider,
  { policy }: RetentionVerdict,
  { rule }: TagVerdict,
): object | null {
  const settings = decider.policies.find(({ name }) => name === policy);
  const [list, at] = rule?.split(".") ?? [];
  if (list === "budget") return settings?.budget ?? null;
  if (list !== "delete" && list !== "keep") return null;
  return settings?.[list][Number(at)] ?? null;
}

/** An explanation for people. Pure. */
export function explanationLines(of: Explanation): string[] {
  const { registry, digest, policy, held, manifest } = of;
  const [decision = "", ...more] = of.sentences;
  const lines = [`${registry}: ${decision}`];
  if (held !== null) lines.push(`  It stays all the same: ${held}.`);
  if (policy !== null) lines.push(`  Its manifest, ${shortDigest(digest)}, ${manifest}.`);
  for (const other of of.others) {
    const goes = other.outcome === "delete" && other.held === null;
    const why = other.held ?? other.reason;
    lines.push(`  ${other.tag}, of the same image, ${goes ? "goes" : "stays"}: ${why}.`);
  }
  return [...lines, ...more.map((line) => `  ${line}`)].map((line) => printable(line));
}
