import { describe, expect, test } from "bun:test";
import {
  daysAgo,
  decide,
  digest,
  gone,
  image,
  index,
  kept,
  tag,
  tagged,
} from "./inventory-fixtures.ts";

describe("versions", () => {
  test("v1.10.0 outlives v1.9.0", () => {
    const verdict = decide(tagged({ "v1.10.0": 50, "v1.9.0": 1, "v1.2.0": 2 }), {
      delete: [{ tags: ["*"] }],
      keep: [{ newest: 1, orderBy: "semver" }],
    });

    expect(kept(verdict)).toEqual(["v1.10.0"]);
    expect(verdict.tags[0]).toMatchObject({ rule: "keep.0", reason: "newest 1 by semver" });
  });

  test("tags that are no versions come after the versions, by their push", () => {
    const verdict = decide(
      tagged({ "feature-a": 1, "feature-b": 3, "1.0.0": 300, "feature-c": 2, "1.1.0-rc.1": 200 }),
      { delete: [{ tags: ["*"] }], keep: [{ newest: 4, orderBy: "semver" }] },
    );

    expect(gone(verdict)).toEqual(["feature-b"]);
  });
});

describe("shared digests", () => {
  test("latest survives when an old tag shares its digest", () => {
    const verdict = decide(
      {
        tags: [tag("old", "a", daysAgo(400)), tag("latest", "a", daysAgo(1))],
        manifests: [image("a")],
      },
      {
        delete: [{ tags: ["*"], olderThan: daysAgo(0) - daysAgo(30) }],
        keep: [{ tags: ["latest"] }],
      },
    );

    expect(gone(verdict)).toEqual(["old"]);
    expect(verdict.manifests).toEqual([]);
  });

  test("a digest goes when all of its tags go, once, with their names", () => {
    const verdict = decide(
      { tags: [tag("a", "x"), tag("b", "x")], manifests: [image("x")] },
      { delete: [{ tags: ["*"] }] },
    );

    expect(verdict.manifests).toMatchObject([{ digest: digest("x"), tags: ["a", "b"] }]);
  });
});

describe("what hangs together", () => {
  test("a multi-platform image keeps its children, tagged or not", () => {
    const verdict = decide(
      {
        tags: [tag("v1", "index"), tag("v1-amd64", "amd64")],
        manifests: [index("index", ["amd64", "arm64"]), image("amd64"), image("arm64")],
      },
      { delete: [{ tags: ["*-amd64"] }, { untagged: true }] },
    );

    expect(gone(verdict)).toEqual(["v1-amd64"]);
    expect(verdict.manifests).toEqual([]);
  });

  test("its children go with it, after it", () => {
    const verdict = decide(
      {
        tags: [tag("v1", "index"), tag("v2", "other")],
        manifests: [
          image("amd64"),
          image("both"),
          index("index", ["amd64", "both"]),
          index("other", ["both"]),
        ],
      },
      { delete: [{ tags: ["v1"] }] },
    );

    expect(verdict.manifests.map((one) => one.digest)).toEqual([digest("index"), digest("amd64")]);
    expect(verdict.manifests[1]?.reason).toStartWith("part of sha256:");
  });
});

test("of several keep rules the first that is certain speaks", () => {
  const verdict = decide(tagged({ a: 1 }), {
    delete: [{ tags: ["*"] }],
    keep: [{ pulledWithin: 1 }, { tags: ["a"] }, { tags: ["*"] }],
  });

  expect(verdict.tags[0]).toMatchObject({ rule: "keep.1", reason: "matches a", doubt: null });
});

describe("what stays whatever rules say", () => {
  test("all of a repository of which something could not be read, or is not here", () => {
    const rules = { delete: [{ tags: ["*"] }] };
    const unreadable = [{ path: "_manifests/tags/x", problem: "an empty link" }];
    const { tags, manifests } = tagged({ a: 1, b: 2 });

    expect(decide({ tags, manifests, unreadable }, rules)).toMatchObject({
      keptWhole: "_manifests/tags/x: an empty link",
      manifests: [],
    });
    const astray = decide({ tags, manifests: manifests.slice(1) }, rules);
    expect(astray.keptWhole).toContain("tag a names sha256:");
    expect(gone(astray)).toEqual([]);
  });

  test("a tag that the registry has as immutable, with its digest", () => {
    const verdict = decide(
      {
        tags: [tag("v1", "x", null, { immutable: true }), tag("v1-copy", "x")],
        manifests: [image("x")],
      },
      { delete: [{ tags: ["*"] }] },
    );

    expect(verdict.tags).toMatchObject([
      { outcome: "keep", rule: "delete.0", reason: expect.stringContaining("immutable") },
      { outcome: "delete" },
    ]);
    expect(verdict.manifests).toEqual([]);
  });
});

test("10,000 tags are decided as 10 are, with the first of every order found", () => {
  const ages = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, n) => [`v1.${(n * 7919) % 10_000}.0`, n % 300]),
  );
  const verdict = decide(tagged(ages), {
    delete: [{ tags: ["*"] }],
    keep: [
      { semver: "*", newest: 3 },
      { newest: 500, orderBy: "natural" },
    ],
  });

  expect(verdict.manifests).toHaveLength(9500);
  expect(kept(verdict).toSorted()).toEqual(
    Array.from({ length: 500 }, (_, n) => `v1.${9500 + n}.0`).toSorted(),
  );
});
