import { expect, test } from "bun:test";
import fc from "fast-check";
import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import { compilePolicy } from "./compile.ts";
import { decideRetention } from "./decide.ts";
import { followersIn } from "./follow.ts";
import type { InUse } from "./in-use.ts";
import { carriedOut, gone, NOW } from "./inventory-fixtures.ts";
import type { RetentionPolicy } from "./policy.ts";
import { keepRules, policies, repositories, uses } from "./random-fixtures.ts";
import type { RetentionVerdict } from "./verdict.ts";

const RUNS = { numRuns: 300 };

function decide(
  repository: RetentionInventory,
  rules: RetentionPolicy,
  inUse: InUse,
  now = NOW,
): RetentionVerdict {
  return decideRetention(repository, compilePolicy(rules), { now, inUse });
}

const goneDigests = ({ manifests }: RetentionVerdict): Set<Digest> =>
  new Set(manifests.map(({ digest }) => digest));

/** A fact about every decision. */
function always(
  says: string,
  holds: (
    verdict: RetentionVerdict,
    given: { repository: RetentionInventory; rules: RetentionPolicy; inUse: InUse },
  ) => void,
  budgets = true,
): void {
  test(says, () => {
    fc.assert(
      fc.property(repositories, policies({ budgets }), uses, (repository, rules, inUse) => {
        holds(decide(repository, rules, inUse), { repository, rules, inUse });
      }),
      RUNS,
    );
  });
}

for (const removesTags of [true, false]) {
  const where = removesTags ? "" : ", where single tags cannot be removed";
  always(`a second run on the result changes nothing${where}`, (verdict, given) => {
    const { repository, rules, inUse } = given;
    const after = carriedOut(repository, verdict, removesTags);
    const second = decide(after, rules, inUse);

    expect(second.manifests).toEqual([]);
    expect(carriedOut(after, second, removesTags)).toEqual(after);
  });
}

test("the order of the input never matters", () => {
  const shuffled = repositories.chain((repository) =>
    fc
      .tuple(
        fc.shuffledSubarray([...repository.tags], { minLength: repository.tags.length }),
        fc.shuffledSubarray([...repository.manifests], { minLength: repository.manifests.length }),
      )
      .map(([tags, manifests]) => ({ repository, other: { ...repository, tags, manifests } })),
  );
  fc.assert(
    fc.property(
      shuffled,
      policies({ budgets: true }),
      uses,
      ({ repository, other }, rules, inUse) => {
        const [a, b] = [decide(repository, rules, inUse), decide(other, rules, inUse)];
        const byTag = (verdict: RetentionVerdict) =>
          verdict.tags.toSorted((x, y) => (x.tag < y.tag ? -1 : 1));

        expect(byTag(b)).toEqual(byTag(a));
        expect(goneDigests(b)).toEqual(goneDigests(a));
      },
    ),
    RUNS,
  );
});

test("more keep rules never delete more, apart from budgets", () => {
  fc.assert(
    fc.property(repositories, policies(), keepRules, uses, (repository, rules, rule, inUse) => {
      const less = decide(repository, { ...rules, keep: [...rules.keep, rule] }, inUse);
      const more = decide(repository, rules, inUse);

      expect(gone(less).filter((one) => !gone(more).includes(one))).toEqual([]);
      expect([...goneDigests(less).difference(goneDigests(more))]).toEqual([]);
    }),
    RUNS,
  );
});

test("keep always wins: what a rule keeps by itself stays beside any other rules", () => {
  fc.assert(
    fc.property(
      repositories,
      policies({ budgets: true }),
      keepRules,
      uses,
      (repository, rules, rule, inUse) => {
        // All others go, so whatever stays here stays because of the rule.
        const everything = [{ tags: ["*"], clock: "pushed" as const }];
        const alone = decide(
          repository,
          { ...rules, budget: undefined, delete: everything, keep: [rule] },
          inUse,
        );
        const keepers = alone.tags.filter((one) => one.rule === "keep.0");
        fc.pre(rule.of === "selected");
        const together = decide(repository, { ...rules, keep: [...rules.keep, rule] }, inUse);

        for (const { tag } of keepers) expect(gone(together)).not.toContain(tag);
      },
    ),
    RUNS,
  );
});

test("what no delete rule names stays", () => {
  fc.assert(
    fc.property(repositories, policies(), uses, (repository, rules, inUse) => {
      const verdict = decide(repository, { ...rules, delete: [] }, inUse);

      expect([gone(verdict), verdict.manifests]).toEqual([[], []]);
    }),
    RUNS,
  );
});

always("a digest goes only with all of its tags", (verdict, { repository }) => {
  const lost = goneDigests(verdict);
  for (const [at, one] of verdict.tags.entries()) {
    if (lost.has(one.digest)) expect(one.outcome).toBe("delete");
    if (repository.tags[at]?.immutable === true) expect(one.outcome).toBe("keep");
  }
  for (const { digest, tags } of verdict.manifests) {
    expect(tags).toEqual(
      repository.tags.filter((one) => one.digest === digest).map((one) => one.tag),
    );
  }
});

always("nothing that stays lacks a part", (verdict, { repository }) => {
  const lost = goneDigests(verdict);
  for (const { digest, children } of repository.manifests) {
    if (lost.has(digest)) continue;
    for (const child of children) expect(lost).not.toContain(child);
  }
});

always(
  "referrers and cosign's tags stay with their subject, and go with it",
  (verdict, { repository }) => {
    const lost = goneDigests(verdict);
    for (const { digest, subject } of repository.manifests) {
      const isHere = repository.manifests.some((one) => one.digest === subject);
      if (subject !== null && isHere && !lost.has(subject)) expect(lost).not.toContain(digest);
    }
    for (const [at, { subject }] of followersIn(repository.tags, repository.manifests)) {
      if (subject === null || repository.tags[at]?.immutable === true) continue;
      expect(verdict.tags[at]?.outcome).toBe(lost.has(subject) ? "delete" : "keep");
    }
  },
);

always(
  "what goes without a tag of its own was led to by something that goes, or named by a rule",
  (verdict, { repository }) => {
    const lost = goneDigests(verdict);
    for (const { digest, tags, rule } of verdict.manifests) {
      if (tags.length > 0 || rule !== null) continue;
      const manifest = repository.manifests.find((one) => one.digest === digest);
      const leaders = [
        ...repository.manifests
          .filter((one) => one.children.includes(digest))
          .map((one) => one.digest),
        ...(manifest?.subject == null ? [] : [manifest.subject]),
      ];
      expect(leaders.some((leader) => lost.has(leader))).toBe(true);
    }
  },
);

always(
  "parents go before their children, and subjects before what refers to them",
  (verdict, { repository }) => {
    const order = new Map(verdict.manifests.map(({ digest }, at) => [digest, at]));
    for (const { digest, children, subject } of repository.manifests) {
      const at = order.get(digest);
      for (const child of children) {
        if (at !== undefined) expect(order.get(child) ?? Infinity).toBeGreaterThan(at);
      }
      const before = subject === null ? undefined : order.get(subject);
      if (before !== undefined && at !== undefined) expect(before).toBeLessThan(at);
    }
  },
);

always(
  "every tag has its verdict, in the order of the inventory, with a reason",
  (verdict, { repository }) => {
    expect(verdict.tags.map(({ tag, digest }) => [tag, digest])).toEqual(
      repository.tags.map(({ tag, digest }) => [tag, digest]),
    );
    for (const { reason, outcome, doubt } of verdict.tags) {
      expect(reason).not.toBe("");
      if (doubt !== null) expect(outcome).toBe("keep");
    }
  },
);

test("forgetting a time never deletes what was kept by no order of times", () => {
  fc.assert(
    fc.property(repositories, policies(), uses, (repository, rules, inUse) => {
      const plain = { ...rules, keep: rules.keep.filter(({ newest }) => newest === undefined) };
      const unknown = { pushedAt: null, createdAt: null, pulledAt: null, untaggedAt: null };
      const forgotten = {
        ...repository,
        pullsSince: null,
        tags: repository.tags.map((one) => ({ ...one, pushedAt: null })),
        manifests: repository.manifests.map((one) => ({ ...one, ...unknown })),
      };
      const [less, more] = [decide(forgotten, plain, inUse), decide(repository, plain, inUse)];

      expect(gone(less).filter((one) => !gone(more).includes(one))).toEqual([]);
    }),
    RUNS,
  );
});
