import type { Section } from "../distribution-section.ts";
import { containing, found } from "./patterns.ts";
import type { Draft } from "./translation.ts";
import { truth, wholeNumber } from "./values.ts";

/** What a delete policy says, before it is known of which tags of which registries. */
export interface Deleting {
  /** Names of registries, as they stand there. */
  readonly registries: readonly string[];
  readonly dryRun: boolean;
  readonly start: number;
  /** What may go; none: nothing, but for tags that are named one by one. */
  readonly deletes: readonly Rule[];
  readonly keeps: readonly Rule[];
}

export interface Rule {
  /** Where it comes from. */
  readonly key: string;
  readonly rule: Readonly<Record<string, unknown>>;
  readonly remark: string | null;
}

/** Reads `delete-policy`; what is wrong in it is a fault. */
export function readDeletePolicy(policy: Section, draft: Draft): Deleting {
  const count = wholeNumber(policy.text("mix-count") ?? "10", policy.at("mix-count"), draft) ?? 0;
  const start = wholeNumber(policy.text("start") ?? "0", policy.at("start"), draft) ?? 0;
  const dryRun = truth(policy.text("dry-run") ?? "true", policy.at("dry-run"), draft) ?? true;
  const semver = truth(policy.text("sem-ver") ?? "false", policy.at("sem-ver"), draft) === true;
  const tags = policy.section("tags");
  const include = patterns(tags.section("include"), draft);
  const exclude = patterns(tags.section("exclude"), draft);
  return {
    registries: policy.texts("registries"),
    dryRun,
    start,
    deletes: deleteRules(include, semver, policy, tags),
    keeps: [...excluded(exclude, tags), ...counted(count, policy)],
  };
}

function deleteRules(
  include: readonly string[],
  semver: boolean,
  policy: Section,
  tags: Section,
): Rule[] {
  const versions = {
    key: tags.at("include"),
    rule: { tags: include, version: true },
    remark:
      "as before, of tags that are versions alone: leave `version: true` out to have it apply to all others " +
      "as well (`feature-login`)",
  };
  const others = {
    key: policy.at("sem-ver"),
    rule: { version: false },
    remark: "every tag that is no version, as sem-ver says; but what the keep rules name stays",
  };
  return [...(include.length > 0 ? [versions] : []), ...(semver ? [others] : [])];
}

function excluded(exclude: readonly string[], tags: Section): Rule[] {
  if (exclude.length === 0) return [];
  const remark =
    "exclude always wins, also over sem-ver: the tool deleted latest and master all the same";
  return [{ key: tags.at("exclude"), rule: { tags: exclude }, remark }];
}

function counted(count: number, policy: Section): Rule[] {
  if (count === 0) return [];
  const key = policy.at("mix-count");
  return [
    {
      key,
      rule: { tagsAtMost: count },
      remark: "repositories with no more tags than that are left alone",
    },
    {
      key,
      rule: { version: true, newest: count, of: "doomed", orderBy: "semver" },
      remark: "and of the versions that would go, so many of the newest stay",
    },
  ];
}

/** Of `keys`, which are parts of a tag, and of `regex`. */
function patterns(section: Section, draft: Draft): string[] {
  const keys = (section.text("keys") ?? "").split(",");
  const words = keys.map((key) => key.trim()).filter((key) => key !== "");
  const expression = section.text("regex");
  const at = section.at("regex");
  const pattern = expression === undefined ? null : found(expression, at, draft);
  return [...(pattern === null ? [] : [pattern]), ...words.map((word) => containing(word))];
}
