import fc from "fast-check";
import type {
  RetentionInventory,
  RetentionManifest,
  RetentionTag,
} from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import { referrersTag } from "../oci/reference.ts";
import type { InUse } from "./in-use.ts";
import { DAY, NOW, digest, image, inventory, policy, tag } from "./inventory-fixtures.ts";
import type { DeleteRule, KeepRule, RetentionPolicy } from "./policy.ts";

/** Times that can be known, believed or neither: few of them, so that they meet, and lie on both sides of every rule. */
const time = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 8 }).map((n) => NOW - n * 10 * DAY) },
  { weight: 2, arbitrary: fc.constantFrom(null, 0, Date.UTC(2000, 0, 1), NOW + 400 * DAY) },
);

const NAMES =
  "latest main dev-1 dev-2 dev-10 pr-1 pr-2 pr-33 1 1.4 v1.4 1.4.2 v1.4.10 1.4.2-rc.1 1.4.2.7 2.0.0 " +
  "v2.1.0-beta.2 2.1.0 10.0.0 2026.01.02 2026-01-03 20260104 main-0123abc main-1123abc dev-9123abc";

const names = fc.constantFrom(...NAMES.split(" "));

const places = (below: number): fc.Arbitrary<readonly number[]> =>
  below === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat({ max: below - 1 }), { maxLength: 3 });

interface Seed {
  readonly children: readonly number[];
  readonly subject: number | null;
  readonly times: Pick<RetentionManifest, "pushedAt" | "createdAt" | "pulledAt" | "untaggedAt">;
  readonly blobs: readonly number[];
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { nil: null, freq: 2 });

/**
 * These lead to nothing. Whatever refers to another manifest lists none but these: else it could list its own
 * subject, and be in a circle, in which no order is right.
 */
const isLeaf = (at: number): boolean => at % 3 === 2;

/** A manifest knows only those before it, as digests do. */
function seed(at: number): fc.Arbitrary<Seed> {
  return fc.record({
    children: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, places(at)),
    subject: maybe(fc.nat({ max: at }).filter((subject) => subject === at || !isLeaf(subject))),
    times: fc.record({
      pushedAt: time,
      createdAt: time,
      pulledAt: maybe(time),
      untaggedAt: maybe(time),
    }),
    blobs: fc.uniqueArray(fc.nat({ max: 6 }), { maxLength: 3 }),
  });
}

function manifestOf({ children, subject, times, blobs }: Seed, at: number): RetentionManifest {
  return image(`m${at}`, {
    ...times,
    children: children
      .filter((child) => !isLeaf(at) && (subject === null || isLeaf(child)))
      .map((child) => digest(`m${child}`)),
    // One of them is nowhere: a subject that was deleted, or is not listed.
    subject: subject === null ? null : digest(subject === at ? "nowhere" : `m${subject}`),
    blobs: blobs.map((blob) => ({ digest: digest(`blob ${blob}`), size: 1000 * (blob + 1) })),
  });
}

/** A follower's subject is an older manifest, or none that is here. */
const follower = fc.tuple(fc.nat({ max: 9 }), fc.constantFrom("", ".sig", ".att", ".sbom"));

export const repositories: fc.Arbitrary<RetentionInventory> = fc
  .integer({ min: 1, max: 9 })
  .chain((count) =>
    fc.record({
      seeds: fc.tuple(...Array.from({ length: count }, (_, at) => seed(at))),
      tags: fc.uniqueArray(
        fc.tuple(names, fc.nat({ max: count - 1 }), time, fc.integer({ min: 0, max: 9 })),
        { selector: ([name]) => name, maxLength: 12 },
      ),
      followers: fc.uniqueArray(fc.tuple(follower, fc.nat({ max: count - 1 }), time), {
        selector: ([[subject, suffix]]) => `${subject}${suffix}`,
        maxLength: 4,
      }),
      untaggedListed: fc.boolean(),
      pullsSince: fc.constantFrom(undefined, null, 0, NOW - 25 * DAY),
    }),
  )
  .map(({ seeds, tags, followers, untaggedListed, pullsSince }) =>
    inventory({
      manifests: seeds.map(manifestOf),
      tags: [
        ...tags.map(([name, of, pushedAt, odd]) =>
          tag(name, `m${of}`, pushedAt, odd === 0 ? { immutable: true } : {}),
        ),
        ...followers.flatMap(([[subject, suffix], of, pushedAt]): RetentionTag[] =>
          // What follows was made after its subject.
          subject >= seeds.length ||
          (subject < of && !isLeaf(subject) && seeds[of]?.children.every(isLeaf) === true)
            ? [tag(`${referrersTag(digest(`m${subject}`))}${suffix}`, `m${of}`, pushedAt)]
            : [],
        ),
      ],
      untaggedListed,
      ...(pullsSince === undefined ? {} : { pullsSince }),
    }),
  );

const patterns = fc.constantFrom(
  "*",
  "dev-*",
  "pr-?",
  "latest",
  "/^v?1/",
  "/-[0-9a-f]{7}$/",
  "*.sig",
);

const conditions = {
  tags: fc.option(fc.uniqueArray(patterns, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  except: fc.option(fc.uniqueArray(patterns, { minLength: 1, maxLength: 2 }), {
    nil: undefined,
    freq: 4,
  }),
  semver: fc.option(fc.constantFrom(">=1.4.0", "<2.0.0", ">=1.0.0-0", "*"), {
    nil: undefined,
    freq: 4,
  }),
  version: fc.option(fc.boolean(), { nil: undefined, freq: 6 }),
};

const age = fc.integer({ min: 0, max: 8 }).map((n) => n * 10 * DAY + DAY / 2);
const clock = fc.constantFrom("pushed", "created", "pulled");

export const deleteRules: fc.Arbitrary<DeleteRule> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ ...conditions, olderThan: fc.option(age, { nil: undefined }), clock }),
  },
  fc.record({
    untagged: fc.constant(true),
    olderThan: fc.option(age, { nil: undefined }),
    clock,
  }),
);

const newest = fc.record({
  ...conditions,
  newest: fc.integer({ min: 1, max: 4 }),
  orderBy: fc.constantFrom(undefined, "semver", "natural", "pushed", "created", "pulled"),
  groupBy: fc.constantFrom(undefined, "major", "minor", "^(?<branch>.+)-[0-9a-f]+$", "^[a-z]+"),
  of: fc.constantFrom("selected", "doomed"),
  pushedWithin: fc.option(age, { nil: undefined, freq: 5 }),
});

const within = fc.record({
  ...conditions,
  of: fc.constant("selected"),
  pulledWithin: fc.option(age, { nil: undefined }),
  pushedWithin: fc.option(age, { nil: undefined }),
  createdWithin: fc.option(age, { nil: undefined }),
  tagsAtMost: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 3 }),
  inUse: fc.constantFrom(undefined, undefined, ["file:a"]),
});

export const keepRules = fc.oneof(newest, within) as fc.Arbitrary<KeepRule>;

export interface Policies {
  /** With a budget of the repository. */
  readonly budgets?: boolean;
}

export function policies({ budgets = false }: Policies = {}): fc.Arbitrary<RetentionPolicy> {
  const budget = fc.record({
    size: fc.integer({ min: 0, max: 30 }).map((n) => n * 1500),
    per: fc.constant("repository" as const),
    oldest: fc.constantFrom("pushed" as const, "pulled" as const),
  });
  return fc
    .record({
      delete: fc.array(deleteRules, { maxLength: 3 }),
      keep: fc.array(keepRules, { maxLength: 3 }),
      budget: budgets ? fc.option(budget, { nil: undefined, freq: 4 }) : fc.constant(undefined),
    })
    .map((rules) => policy(rules));
}

/** Some images are run by their tag, some by their digest. */
export const uses: fc.Arbitrary<InUse> = fc
  .record({
    tags: fc.array(names, { maxLength: 2 }),
    manifests: fc.array(fc.nat({ max: 9 }), { maxLength: 2 }),
  })
  .map(({ tags, manifests }) => {
    const digests = new Set<Digest>(manifests.map((at) => digest(`m${at}`)));
    return {
      failure: () => null,
      find: (_sources, _repository, name, of) =>
        digests.has(of) ? "by digest" : name !== null && tags.includes(name) ? "by tag" : null,
    };
  });
