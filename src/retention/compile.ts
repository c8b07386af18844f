import { parseNameGlob } from "../oci/name-glob.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type TagPattern, parseTagPattern } from "../oci/tag-pattern.ts";
import { type VersionRange, parseVersionRange } from "../oci/version-range.ts";
import type { TagFacts } from "./facts.ts";
import { type GroupOf, compileGroup } from "./group.ts";
import { type Compare, compareBy } from "./order.ts";
import type { DeleteRule, KeepRule, Order, RetentionPolicy, TagConditions } from "./policy.ts";
import type { RuleName } from "./verdict.ts";

/** A policy ready to decide: its patterns are read once, however many tags follow. */
export interface CompiledPolicy {
  readonly settings: RetentionPolicy;
  readonly name: string;
  matches(repository: RepositoryName): boolean;
  readonly delete: readonly CompiledDelete[];
  readonly keep: readonly CompiledKeep[];
  /** All sources of images in use that its rules name. */
  readonly sources: readonly string[];
}

interface CompiledRule {
  readonly name: RuleName;
  /** Whether name and version are what the rule asks for; times are another question. */
  selects(facts: TagFacts): boolean;
  /** The conditions on name and version, for people: `matches pr-*`; empty: there are none. */
  readonly words: string;
}

export interface CompiledDelete extends CompiledRule {
  readonly settings: DeleteRule;
}

export interface CompiledKeep extends CompiledRule {
  readonly settings: KeepRule;
  /** Null: the rule has no `newest`. */
  readonly newest: Newest | null;
  /** Without a condition on names, versions or places in an order, it is about untagged manifests as well. */
  readonly alsoUntagged: boolean;
  /** Whether times are among its conditions, besides an order. */
  readonly timed: boolean;
}

export interface Newest {
  readonly count: number;
  readonly order: Order;
  readonly compare: Compare;
  readonly groupOf: GroupOf;
  readonly of: KeepRule["of"];
}

/**
 * Makes predicates of policies, in their order. Pure.
 *
 * Throws TypeError where a pattern is none: the configuration's check has refused it before.
 */
export function compilePolicies(policies: readonly RetentionPolicy[]): readonly CompiledPolicy[] {
  return policies.map(compilePolicy);
}

/** The first policy whose globs match; null: none does, and all of the repository stays. */
export function policyFor(
  policies: readonly CompiledPolicy[],
  repository: RepositoryName,
): CompiledPolicy | null {
  return policies.find((policy) => policy.matches(repository)) ?? null;
}

export function compilePolicy(settings: RetentionPolicy): CompiledPolicy {
  const globs = settings.repositories.map((text) => read(text, parseNameGlob));
  return {
    settings,
    name: settings.name,
    matches: (repository) => globs.some((glob) => glob.matches(repository)),
    delete: settings.delete.map((rule, at) => ({
      settings: rule,
      name: `delete.${at}`,
      ...compileConditions(rule),
    })),
    keep: settings.keep.map(compileKeep),
    sources: [...new Set(settings.keep.flatMap(({ inUse }) => inUse ?? []))],
  };
}

function compileKeep(rule: KeepRule, at: number): CompiledKeep {
  const conditions = compileConditions(rule);
  return {
    settings: rule,
    name: `keep.${at}`,
    ...conditions,
    newest: rule.newest === undefined ? null : compileNewest(rule, rule.newest),
    alsoUntagged: conditions.words === "" && rule.newest === undefined,
    timed: [rule.pushedWithin, rule.createdWithin, rule.pulledWithin].some(
      (one) => one !== undefined,
    ),
  };
}

function compileNewest(rule: KeepRule, count: number): Newest {
  const aboutVersions = rule.semver !== undefined || rule.version === true;
  const order = rule.orderBy ?? (aboutVersions ? "semver" : "pushed");
  return {
    count,
    order,
    compare: compareBy(order),
    groupOf: compileGroup(rule.groupBy),
    of: rule.of,
  };
}

/** What a rule asks of the name of a tag, and of the version that it is. */
export function compileConditions(rule: TagConditions): Pick<CompiledRule, "selects" | "words"> {
  const some = rule.tags?.map((text) => read<TagPattern>(text, parseTagPattern));
  const none = rule.except?.map((text) => read<TagPattern>(text, parseTagPattern));
  const range =
    rule.semver === undefined ? undefined : read<VersionRange>(rule.semver, parseVersionRange);
  return {
    selects: (facts) => {
      const { tag } = facts.tag;
      if (some !== undefined && !matchesOne(some, tag)) return false;
      if (none !== undefined && matchesOne(none, tag)) return false;
      if (rule.version !== undefined && (facts.version !== null) !== rule.version) return false;
      if (range === undefined) return true;
      return facts.version !== null && range.matches(facts.version);
    },
    words: conditionWords(rule),
  };
}

function matchesOne(patterns: readonly TagPattern[], tag: string): boolean {
  for (const pattern of patterns) if (pattern.matches(tag)) return true;
  return false;
}

function conditionWords({ tags, except, semver, version }: TagConditions): string {
  const parts: string[] = [];
  if (tags !== undefined) parts.push(`matches ${tags.join(" or ")}`);
  if (except !== undefined) parts.push(`does not match ${except.join(" or ")}`);
  if (version !== undefined) parts.push(version ? "is a version" : "is no version");
  if (semver !== undefined) parts.push(`is a version in ${semver}`);
  return parts.join(", ");
}

function read<T>(text: string, parse: (text: string) => T | { readonly reason: string }): T {
  const result = parse(text);
  if (typeof result === "object" && result !== null && "reason" in result) {
    throw new TypeError(`${JSON.stringify(text)}: ${result.reason}`);
  }
  return result;
}
