import { describe, expect, test } from "bun:test";
import { schema } from "../src/config/schema.ts";
import { parseYaml } from "../src/config/yaml.ts";
import type { RetentionInventory } from "../src/inventory/retention-inventory.ts";
import type { RepositoryName } from "../src/oci/name.ts";
import { compilePolicies, policyFor } from "../src/retention/compile.ts";
import { decideRetention, NOTHING_IN_USE } from "../src/retention/decide.ts";
import type { InUse } from "../src/retention/in-use.ts";
import { gone, inventory, kept, NOW } from "../src/retention/inventory-fixtures.ts";
import { type Sample, samples } from "./support/cookbook-samples.ts";

/** The policies of docs/retention.md, read out of the page, and each tried on what it speaks of. */

const page = await Bun.file("docs/retention.md").text();
const [, cookbook = ""] = page.split("\n## Cookbook\n");
const recipes = new Map(
  cookbook.split("\n### ").flatMap((part) => {
    const [, name = "", yaml = ""] = /^(.+)\n[^]*?```yaml\n([^]*?)```/.exec(part) ?? [];
    return name === "" ? [] : [[name, yaml] as const];
  }),
);

function policiesOf(yaml: string) {
  const config = schema.parse(parseYaml(yaml, "typed"));
  return { config, policies: compilePolicies(config.retention) };
}

const running = (images: readonly string[]): InUse => ({
  failure: () => null,
  find: (_sources, repository, tag) =>
    tag !== null && images.includes(`${repository}:${tag}`) ? "a pod" : null,
});

function verdictOf(yaml: string, { repository, parts, inUse = [] }: Sample) {
  const { policies } = policiesOf(yaml);
  const policy = policyFor(policies, repository as RepositoryName);
  const given: RetentionInventory = inventory(parts, repository);
  const context = { now: NOW, inUse: inUse.length === 0 ? NOTHING_IN_USE : running(inUse) };
  return decideRetention(given, policy, context);
}

test("there are recipes, and a sample of each", () => {
  expect(recipes.size).toBeGreaterThanOrEqual(12);
  expect([...new Set(samples.map(({ recipe }) => recipe))].toSorted()).toEqual(
    [...recipes.keys()].toSorted(),
  );
});

describe("the recipe", () => {
  for (const sample of samples) {
    const { recipe, repository, stays, goes, digests = [] } = sample;
    test(`${recipe} decides on ${repository} as it says`, () => {
      const verdict = verdictOf(recipes.get(recipe) ?? "", sample);

      expect({ stays: kept(verdict), goes: gone(verdict) }).toEqual({
        stays: sample.parts.tags?.map(({ tag }) => tag).filter((tag) => stays.includes(tag)) ?? [],
        goes: sample.parts.tags?.map(({ tag }) => tag).filter((tag) => goes.includes(tag)) ?? [],
      } as { stays: string[]; goes: string[] });
      expect(stays.length + goes.length).toBe(sample.parts.tags?.length ?? 0);
      const untagged = verdict.manifests.filter(({ tags }) => tags.length === 0);
      expect(untagged.map(({ digest }) => digest)).toEqual([...digests]);
    });
  }

  for (const [name, yaml] of recipes) {
    test(`${name} names its policies after what they are about, and needs nothing else`, () => {
      const { config, policies } = policiesOf(yaml);

      expect(policies.length).toBeGreaterThan(0);
      expect(Object.keys(parseYaml(yaml, "typed") as object)).toContain("retention");
      expect(config.retention.every((policy) => policy.name.length > 2)).toBe(true);
    });
  }
});

test("every other wharf.yaml of the page is one", () => {
  const [rules = ""] = page.split("\n## Cookbook\n");
  const examples = [...rules.matchAll(/```yaml\n(# wharf\.yaml\n[^]*?)```/g)];

  expect(examples.length).toBeGreaterThan(1);
  for (const [, yaml = ""] of examples) expect(policiesOf(yaml).policies.length).toBe(1);
});
