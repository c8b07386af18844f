import { parseImageName } from "../client/image.ts";
import { RegistryError } from "../oci/errors.ts";
import { isDigestReference } from "../oci/reference.ts";
import { printable } from "../client/http/printable.ts";
import type { Decider } from "../plan/decider.ts";
import type { PruneTarget } from "../plan/prune-target.ts";
import { changes, ruleLine } from "../retention/explain-words.ts";
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
  const inventory = await target.inventoryOf(repository);
  if (inventory === null) {
    throw new RegistryError("NAME_UNKNOWN", { reason: `${target.registry.name}: ${repository}` });
  }
  const policy = decider.policyOf(repository);
  const verdict = decider.decide(inventory);
  const decided = verdict.tags.find((one) => one.tag === tag);
  const explained = decider.explain(inventory, tag);
  if (!decided || !explained) {
    const reason = `${target.registry.name}: ${repository}:${tag}`;
    throw new RegistryError("MANIFEST_UNKNOWN", { reason });
  }
  const others = verdict.tags.filter((one) => one.digest === decided.digest && one.tag !== tag);
  const goes = verdict.manifests.some(({ digest }) => digest === decided.digest);
  const setting = ruleOf(decider, verdict, decided);
  return {
    registry: target.registry.name,
    repository,
    ...decided,
    policy: policy?.name ?? null,
    setting,
    keptWhole: verdict.keptWhole,
    manifest: goes ? "goes" : "stays",
    others,
    times: explained.times,
    rules: explained.rules,
    changes: changes(explained),
  };
}

export type Explanation = Awaited<ReturnType<typeof explain>>;

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
  const { registry, repository, tag, digest, outcome, policy, rule, setting, reason } = of;
  const whole = of.keptWhole;
  const decision = whole === null && outcome === "delete" ? "goes" : "stays";
  const lines = [
    `${repository}:${tag} of ${registry} ${decision}  (${shortDigest(digest)})`,
    policy === null
      ? "  no policy is about this repository: its globs match none, and so all of it stays"
      : `  policy ${printable(policy)}`,
  ];
  if (policy === null) return lines;
  if (whole !== null) lines.push(`  nothing goes from the repository: ${printable(whole)}`);
  const by =
    rule === null ? "no rule" : `${rule}${setting === null ? "" : ` ${settingText(setting)}`}`;
  lines.push(`  decided by ${by}`, `  ${printable(reason)}`);
  if (of.doubt !== null) lines.push(`  in doubt: ${printable(of.doubt)}`);
  for (const other of of.others) {
    const fate = other.outcome === "delete" ? "goes" : "stays";
    lines.push(`  ${other.tag}, of the same image, ${fate}: ${printable(other.reason)}`);
  }
  lines.push(`  its manifest ${of.manifest}`);
  const more = [...of.rules.map(ruleLine), ...of.changes];
  lines.push(...more.map((line) => `  ${printable(line)}`));
  return lines;
}

function settingText(setting: object): string {
  return printable(JSON.stringify(setting));
}
