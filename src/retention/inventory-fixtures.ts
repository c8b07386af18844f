import { createHash } from "node:crypto";
import type {
  RetentionInventory,
  RetentionManifest,
  RetentionTag,
} from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import { OCI_IMAGE, OCI_INDEX } from "../oci/media-types.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { compilePolicy } from "./compile.ts";
import { decideRetention, NOTHING_IN_USE, type RetentionContext } from "./decide.ts";
import type { DeleteRule, KeepRule, RetentionPolicy } from "./policy.ts";
import type { RetentionVerdict } from "./verdict.ts";

export const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 5, 1);

/** The moment so many days ago. */
export const daysAgo = (days: number): number => NOW - days * DAY;

export const digest = (name: string): Digest =>
  `sha256:${createHash("sha256").update(name).digest("hex")}` as Digest;

/** An image called by its name, with one blob of its own, which lost its last tag when it was pushed. */
export function image(name: string, more: Partial<RetentionManifest> = {}): RetentionManifest {
  return {
    digest: digest(name),
    mediaType: OCI_IMAGE,
    size: 1000,
    pushedAt: daysAgo(100),
    createdAt: daysAgo(101),
    pulledAt: null,
    untaggedAt: null,
    subject: null,
    artifactType: null,
    children: [],
    blobs: [{ digest: digest(`layer of ${name}`), size: 1_000_000 }],
    ...more,
  };
}

export function index(
  name: string,
  children: readonly string[],
  more: Partial<RetentionManifest> = {},
): RetentionManifest {
  const parts = { mediaType: OCI_INDEX, children: children.map(digest), blobs: [] };
  return image(name, { ...parts, ...more });
}

/** A tag on the manifest of that name. */
export function tag(
  name: string,
  of: string,
  pushedAt: number | null = daysAgo(100),
  more: Partial<RetentionTag> = {},
): RetentionTag {
  return { tag: name as Tag, digest: digest(of), pushedAt, ...more };
}

/** Tags with an image each, pushed so many days ago. */
export function tagged(
  ages: Readonly<Record<string, number | null>>,
): Pick<RetentionInventory, "tags" | "manifests"> {
  const entries = Object.entries(ages);
  const since = (age: number | null): number | null => (age === null ? null : daysAgo(age));
  return {
    tags: entries.map(([name, age]) => tag(name, name, since(age))),
    manifests: entries.map(([name, age]) =>
      image(name, { pushedAt: since(age), createdAt: since(age) }),
    ),
  };
}

export function inventory(
  parts: Partial<RetentionInventory>,
  name = "team/app",
): RetentionInventory {
  return {
    name: name as RepositoryName,
    tags: [],
    manifests: [],
    untaggedListed: true,
    unreadable: [],
    ...parts,
  };
}

/** Rules as the configuration gives them, with its defaults. */
export type Rules = Partial<Omit<RetentionPolicy, "delete" | "keep">> & {
  readonly delete?: readonly Partial<DeleteRule>[];
  readonly keep?: readonly Partial<KeepRule>[];
};

export function policy(rules: Rules): RetentionPolicy {
  return {
    name: "test",
    repositories: ["**"],
    limits: { emptyRepositories: false },
    ...rules,
    delete: (rules.delete ?? []).map((rule) => ({ clock: "pushed", ...rule })),
    keep: (rules.keep ?? []).map((rule) => ({ of: "selected", ...rule })),
  };
}

export function decide(
  parts: Partial<RetentionInventory>,
  rules: Rules,
  context: Partial<RetentionContext> = {},
): RetentionVerdict {
  return decideRetention(inventory(parts), compilePolicy(policy(rules)), {
    now: NOW,
    inUse: NOTHING_IN_USE,
    ...context,
  });
}

/** The tags that stay, in the order of the inventory. */
export function kept({ tags }: RetentionVerdict): string[] {
  return tags.filter(({ outcome }) => outcome === "keep").map((one) => one.tag);
}

/** The tags that go. */
export function gone({ tags }: RetentionVerdict): string[] {
  return tags.filter(({ outcome }) => outcome === "delete").map((one) => one.tag);
}

/**
 * What is left when a verdict was carried out. Where single tags cannot be removed, those of a digest that
 * stays stay too.
 */
export function carriedOut(
  before: RetentionInventory,
  verdict: RetentionVerdict,
  removesTags = true,
): RetentionInventory {
  const lost = new Set(verdict.manifests.map((manifest) => manifest.digest));
  return {
    ...before,
    manifests: before.manifests.filter((manifest) => !lost.has(manifest.digest)),
    tags: before.tags.filter(
      (one, at) =>
        !lost.has(one.digest) && !(removesTags && verdict.tags[at]?.outcome === "delete"),
    ),
  };
}
