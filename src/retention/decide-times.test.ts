import { describe, expect, test } from "bun:test";
import {
  DAY,
  NOW,
  carriedOut,
  daysAgo,
  decide,
  gone,
  image,
  inventory,
  kept,
  tag,
  tagged,
} from "./inventory-fixtures.ts";

describe("clocks", () => {
  const old = { delete: [{ tags: ["*"], olderThan: 30 * DAY, clock: "created" }] } as const;

  test("reproducible builds of 1970 are not taken for old", () => {
    const verdict = decide(
      { tags: [tag("v1", "x", daysAgo(2))], manifests: [image("x", { createdAt: 0 })] },
      old,
    );

    expect(kept(verdict)).toEqual(["v1"]);
  });

  test("they go by their push, and by none they stay, and it is said", () => {
    const manifests = [image("x", { createdAt: Date.UTC(1980, 0, 1), pushedAt: daysAgo(90) })];
    const pushed = decide({ tags: [tag("v1", "x", daysAgo(60))], manifests }, old);
    const unknown = decide({ tags: [tag("v1", "x", null)], manifests }, old);

    expect(pushed.tags[0]).toMatchObject({
      outcome: "delete",
      reason: "matches *, older than 30d (pushed 2026-04-02, created unknown)",
    });
    expect(unknown.tags[0]).toMatchObject({
      outcome: "keep",
      rule: null,
      doubt: "delete.0 goes by the time when it was created, which is not known",
    });
  });

  test("a time in the future is no time", () => {
    const manifests = [image("x", { createdAt: NOW + 30 * DAY })];

    expect(gone(decide({ tags: [tag("v1", "x", daysAgo(60))], manifests }, old))).toEqual(["v1"]);
    expect(gone(decide({ tags: [tag("v1", "x", NOW + 2 * DAY)], manifests }, old))).toEqual([]);
  });

  test("a tag that was set on an old image today is as young as that", () => {
    const verdict = decide(
      { tags: [tag("v1", "x", daysAgo(0))], manifests: [image("x", { pushedAt: daysAgo(900) })] },
      { delete: [{ tags: ["*"], olderThan: DAY }] },
    );

    expect(kept(verdict)).toEqual(["v1"]);
  });

  test("in an order by time, a tag without one is kept and takes no other's place", () => {
    const verdict = decide(tagged({ a: null, b: 3, c: 2 }), {
      delete: [{ tags: ["*"] }],
      keep: [{ newest: 1 }],
    });

    expect(kept(verdict)).toEqual(["a", "c"]);
    expect(verdict.tags[0]?.doubt).toBe("when it was pushed is not known");
  });
});

describe("pulls", () => {
  const rules = {
    delete: [{ tags: ["*"], olderThan: 60 * DAY, clock: "pulled" }],
  } as const;
  const { tags, manifests } = tagged({ used: 300, idle: 300, fresh: 5 });
  const pulled = manifests.map((one, at) => (at === 0 ? { ...one, pulledAt: daysAgo(9) } : one));

  test("an image that was not pulled goes only where all pulls since are known", () => {
    expect(gone(decide({ tags, manifests: pulled, pullsSince: daysAgo(90) }, rules))).toEqual([
      "idle",
    ]);
    expect(gone(decide({ tags, manifests: pulled, pullsSince: daysAgo(30) }, rules))).toEqual([]);
    expect(gone(decide({ tags, manifests: pulled }, rules))).toEqual([]);
  });

  test("a tag that may have been set a moment ago does not go by an old pull", () => {
    const old = manifests.map((one) => ({ ...one, pulledAt: daysAgo(200) }));
    const unknown = tags.map((one) => ({ ...one, pushedAt: null }));

    expect(gone(decide({ tags, manifests: old }, rules))).toEqual(["used", "idle"]);
    expect(gone(decide({ tags: unknown, manifests: old }, rules))).toEqual([]);
  });

  test("pulledWithin keeps where it is not known, and says so", () => {
    const within = { delete: [{ tags: ["*"] }], keep: [{ pulledWithin: 30 * DAY }] };
    const known = decide({ tags, manifests: pulled, pullsSince: 0 }, within);
    const unknown = decide({ tags, manifests: pulled }, within);

    expect(kept(known)).toEqual(["used"]);
    expect(unknown.tags.map(({ doubt }) => doubt)).toEqual([
      null,
      "when it was pulled is not known",
      "when it was pulled is not known",
    ]);
  });
});

describe("groups and the doomed", () => {
  test("so many of each group, and of those without one", () => {
    const verdict = decide(
      tagged({ "main-0000001": 3, "main-0000002": 2, "dev-0000003": 9, other: 8, another: 7 }),
      {
        delete: [{ tags: ["*"] }],
        keep: [{ newest: 1, groupBy: "^(?<branch>.+)-[0-9a-f]{7}$" }],
      },
    );

    expect(kept(verdict)).toEqual(["main-0000002", "dev-0000003", "another"]);
  });

  test("of each minor line the newest patches", () => {
    const verdict = decide(
      tagged({ "v1.4.9": 1, "v1.4.10": 2, "1.4.2": 3, "1.5.0": 4, "1.5.0-rc.1": 5, "2.0.0": 6 }),
      { delete: [{ tags: ["*"] }], keep: [{ semver: "*", newest: 2, groupBy: "minor" }] },
    );

    expect(gone(verdict)).toEqual(["1.4.2", "1.5.0-rc.1"]);
  });

  test("of: doomed counts only what would go, and a second run counts the same", () => {
    const rules = {
      delete: [{ tags: ["*"], olderThan: 10 * DAY }],
      keep: [{ newest: 2, of: "doomed" }, { tags: ["keep"] }],
    } as const;
    const before = tagged({ keep: 11, young: 1, a: 12, b: 13, c: 14, d: 15 });
    const verdict = decide(before, rules);

    expect(gone(verdict)).toEqual(["c", "d"]);
    expect(gone(decide(carriedOut(inventory(before), verdict), rules))).toEqual([]);
  });
});
