import { describe, expect, test } from "bun:test";
import type { RepositoryName } from "../oci/name.ts";
import { BudgetLedger } from "./budget.ts";
import { compilePolicy } from "./compile.ts";
import { decideRetention, NOTHING_IN_USE } from "./decide.ts";
import {
  daysAgo,
  decide,
  digest,
  gone,
  image,
  index,
  inventory,
  kept,
  NOW,
  policy,
  tag,
  tagged,
} from "./inventory-fixtures.ts";

/** An image of the fixtures takes this with its manifest. */
const ONE = 1_001_000;

const budget = (images: number) =>
  ({ size: images * ONE, per: "repository", oldest: "pushed" }) as const;

describe("the budget of a repository", () => {
  test("takes the oldest until the rest fits, and says so", () => {
    const verdict = decide(tagged({ a: 3, b: 30, c: 20, d: 1 }), { budget: budget(2) });

    expect(gone(verdict)).toEqual(["b", "c"]);
    expect(verdict.tags[1]).toMatchObject({
      rule: "budget",
      reason: "among the oldest beyond the budget of 1.9MiB (pushed 2026-05-02)",
    });
  });

  test("counts what rules let go as gone", () => {
    const verdict = decide(tagged({ a: 3, b: 30, "pr-1": 1 }), {
      delete: [{ tags: ["pr-*"] }],
      budget: budget(2),
    });

    expect(gone(verdict)).toEqual(["pr-1"]);
  });

  test("never goes below the keep rules, whatever the size", () => {
    const verdict = decide(tagged({ a: 3, b: 30, c: 300 }), {
      keep: [{ tags: ["b", "c"] }],
      budget: budget(0),
    });

    expect(kept(verdict)).toEqual(["b", "c"]);
  });

  test("counts a shared blob once, and takes no image that would free nothing", () => {
    const base = [{ digest: digest("base"), size: 5_000_000 }];
    const verdict = decide(
      {
        tags: [
          tag("old", "x", daysAgo(300)),
          tag("new", "y", daysAgo(3)),
          tag("latest", "x", null),
        ],
        manifests: [image("x", { blobs: base }), image("y", { blobs: base })],
      },
      { keep: [{ tags: ["latest"] }], budget: { ...budget(0), size: 5_001_000 } },
    );

    expect(gone(verdict)).toEqual(["new"]);
  });

  test("takes no image whose time is not known", () => {
    const verdict = decide(tagged({ a: null, b: 2, c: 1 }), { budget: budget(1) });

    expect(gone(verdict)).toEqual(["b", "c"]);
  });

  test("goes by the last pull where that is asked for, and only where pulls are recorded", () => {
    const { tags, manifests } = tagged({ used: 300, idle: 200, fresh: 100 });
    const pulled = manifests.map((one, at) => (at === 0 ? { ...one, pulledAt: daysAgo(1) } : one));
    const rules = { budget: { ...budget(2), oldest: "pulled" } } as const;

    expect(gone(decide({ tags, manifests: pulled, pullsSince: 0 }, rules))).toEqual(["idle"]);
    expect(gone(decide({ tags, manifests: pulled }, rules))).toEqual([]);
  });

  test("takes an index with its children, and a tagged child only after it", () => {
    const verdict = decide(
      {
        tags: [
          tag("child", "amd64", daysAgo(300)),
          tag("v1", "index", daysAgo(200)),
          tag("v2", "other", daysAgo(100)),
        ],
        manifests: [
          index("index", ["amd64", "arm64"]),
          image("amd64"),
          image("arm64"),
          image("other"),
        ],
      },
      { budget: budget(1) },
    );

    expect(gone(verdict)).toEqual(["child", "v1"]);
    expect(verdict.manifests.map((one) => one.digest)).toEqual([
      digest("index"),
      digest("amd64"),
      digest("arm64"),
    ]);
  });
});

describe("the budget of a policy", () => {
  const rules = policy({ budget: { ...budget(2), per: "policy" } });
  const context = { now: NOW, inUse: NOTHING_IN_USE };

  function settle(...repositories: readonly ReturnType<typeof inventory>[]) {
    const compiled = compilePolicy(rules);
    const ledger = new BudgetLedger(compiled);
    for (const one of repositories) {
      ledger.add(one, decideRetention(one, compiled, context), context);
    }
    const before = ledger.bytes;
    return { before, over: ledger.settle(), after: ledger.bytes, compiled };
  }

  test("takes the oldest of all repositories, in whatever order they come", () => {
    const a = inventory(tagged({ a1: 10, a2: 40 }), "a");
    const b = inventory(tagged({ b1: 20, b2: 30 }), "b");
    const { before, over, after, compiled } = settle(a, b);

    expect([before, after]).toEqual([4 * ONE, 2 * ONE]);
    expect(over).toEqual(
      new Map([
        ["a", new Set(["a2"])],
        ["b", new Set(["b2"])],
      ]) as unknown as typeof over,
    );
    expect(settle(b, a).over).toEqual(over);

    const overBudget = over.get("a" as RepositoryName);
    const verdict = decideRetention(a, compiled, { ...context, overBudget });
    expect(gone(verdict)).toEqual(["a2"]);
    expect(verdict.tags[1]?.reason).toContain("budget of the policy");
  });

  test("counts an image that is in two repositories once, and takes both to free it", () => {
    const copy = tagged({ same: 50 });
    const { before, over, after } = settle(
      inventory(copy, "dev"),
      inventory(copy, "prod"),
      inventory(tagged({ x: 2, y: 1 }), "other"),
    );

    expect([before, after]).toEqual([3 * ONE, 2 * ONE]);
    expect([...over.keys()]).toEqual(["dev", "prod"] as RepositoryName[]);
  });
});
