import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { policy } from "../../test/support/prune-run.ts";
import { type RepositoryName, parseName } from "../oci/name.ts";
import type { Limits, RetentionPolicy } from "../retention/policy.ts";
import { type Wanted, refusals } from "./limits.ts";

const named = (name: string, limits: Limits): RetentionPolicy => policy({ name, limits });
const wants = (
  repository: string,
  of: RetentionPolicy,
  [deletedTags, tags, deletedUntagged = 0]: readonly [number, number, number?],
): Wanted => ({
  repository: parseName(repository),
  policy: of,
  tags,
  deletedTags,
  deletedUntagged,
});

function refused(
  all: readonly Wanted[],
  { tags = Infinity, scoped = false } = {},
): Record<string, string> {
  return Object.fromEntries(refusals(all, { tags, scoped }));
}

describe("a repository that would lose all of its tags", () => {
  const careful = named("ci", { emptyRepositories: false });

  test("is refused, and the others are not", () => {
    expect(refused([wants("a", careful, [3, 3]), wants("b", careful, [2, 3])])).toEqual({
      a: expect.stringContaining("lose all of its tags (3)"),
    });
  });

  test("is not where the policy says so", () => {
    const bold = named("ci", { emptyRepositories: true });
    expect(refused([wants("a", bold, [3, 3]), wants("b", bold, [0, 1])])).toEqual({});
  });

  test("is none when it has no tags at all", () => {
    expect(refused([wants("a", careful, [0, 0, 5])])).toEqual({});
  });
});

describe("maxDelete", () => {
  test("as a share is of the tags of all repositories of the policy, and may be reached", () => {
    const third = named("ci", { emptyRepositories: true, maxDelete: { share: 0.3 } });
    const all = (deleted: number) => [wants("a", third, [deleted, 10]), wants("b", third, [1, 10])];

    expect(refused(all(5))).toEqual({});
    const why = "policy ci would delete 7 of 20 tags, more than its limit of 30%";
    expect(refused(all(6))).toEqual({ a: why, b: why });
  });

  test("as a number counts tags and untagged manifests", () => {
    const ten = named("ci", { emptyRepositories: true, maxDelete: { count: 10 } });
    expect(refused([wants("a", ten, [4, 90, 6])])).toEqual({});
    expect(refused([wants("a", ten, [4, 90, 7])])).toEqual({
      a: "policy ci would delete 11 tags and untagged manifests, more than its limit of 10",
    });
  });

  test("as both holds in both ways", () => {
    const both = named("ci", { emptyRepositories: true, maxDelete: { share: 0.5, count: 3 } });
    expect(Object.keys(refused([wants("a", both, [4, 90])]))).toEqual(["a"]);
    expect(Object.keys(refused([wants("a", both, [2, 3])]))).toEqual(["a"]);
  });

  test("of one policy says nothing of another, and keeps nothing whole of which nothing goes", () => {
    const [strict, loose] = [0, 1].map((share) =>
      named(`of ${share}`, { emptyRepositories: true, maxDelete: { share } }),
    );
    const all = [
      wants("a", strict!, [1, 9]),
      wants("b", loose!, [9, 9]),
      wants("c", strict!, [0, 9]),
    ];
    expect(Object.keys(refused(all))).toEqual(["a"]);
  });

  test("does not count what is kept whole anyway, and counts its tags", () => {
    const half = named("ci", { emptyRepositories: false, maxDelete: { share: 0.1 } });
    expect(Object.keys(refused([wants("a", half, [10, 10]), wants("b", half, [2, 10])]))).toEqual([
      "a",
    ]);
  });
});

describe("a registry that would be left without any tag", () => {
  const bold = named("ci", { emptyRepositories: true });
  const all = [wants("a", bold, [3, 3]), wants("b", bold, [2, 2])];

  test("is refused", () => {
    expect(Object.keys(refused(all, { tags: 5 }))).toEqual(["a", "b"]);
    expect(refused(all, { tags: 6 })).toEqual({});
  });

  test("is not where the policy says how much may go, or the caller which repositories", () => {
    expect(refused(all, { tags: 5, scoped: true })).toEqual({});
    const whole = named("ci", { emptyRepositories: true, maxDelete: { share: 1 } });
    expect(refused([wants("a", whole, [5, 5])], { tags: 5 })).toEqual({});
  });
});

test("whatever is wanted, what is not refused is within the limits of its policy", () => {
  const limits = fc.record({
    emptyRepositories: fc.boolean(),
    maxDelete: fc.option(
      fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), count: fc.nat(60) }),
      { nil: undefined },
    ),
  });
  const amounts = fc
    .tuple(fc.nat(30), fc.nat(30), fc.nat(5))
    .map(([one, more, untagged]) => [one, one + more, untagged] as const);
  fc.assert(
    fc.property(
      fc.array(limits, { minLength: 1, maxLength: 3 }),
      fc.array(amounts),
      (many, sizes) => {
        const policies = many.map((one, at) => named(String(at), one));
        const all = sizes.map((size, at) => {
          return wants(`r${at}`, policies[at % policies.length] as RetentionPolicy, size);
        });
        const not = refusals(all, { tags: Infinity, scoped: false });
        for (const one of policies) {
          const mine = all.filter((wanted) => wanted.policy === one);
          const done = mine.filter(
            ({ repository }: { repository: RepositoryName }) => !not.has(repository),
          );
          const sum = (of: readonly Wanted[], key: "tags" | "deletedTags" | "deletedUntagged") =>
            of.reduce((total, wanted) => total + wanted[key], 0);
          const { maxDelete, emptyRepositories } = one.limits;
          const deleted = sum(done, "deletedTags");
          if (maxDelete) {
            expect(deleted).toBeLessThanOrEqual((maxDelete.share ?? 1) * sum(mine, "tags") + 1e-9);
            expect(deleted + sum(done, "deletedUntagged")).toBeLessThanOrEqual(
              maxDelete.count ?? 0,
            );
          }
          if (!emptyRepositories) {
            expect(
              done.filter(({ tags, deletedTags }) => tags > 0 && tags === deletedTags),
            ).toEqual([]);
          }
        }
      },
    ),
  );
});
