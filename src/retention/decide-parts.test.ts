import { describe, expect, test } from "bun:test";
import { referrersTag } from "../oci/reference.ts";
import type { InUse } from "./in-use.ts";
import {
  DAY,
  daysAgo,
  decide,
  digest,
  gone,
  image,
  index,
  kept,
  tag,
} from "./inventory-fixtures.ts";

describe("what follows", () => {
  const follower = (of: string, suffix = ".sig"): string => `${referrersTag(digest(of))}${suffix}`;
  const everything = { delete: [{ tags: ["*"] }], keep: [{ tags: ["latest"] }] };

  test("what may be a part of an image that is still being pushed stays for an hour, whatever the rule says", () => {
    const minutesAgo = (minutes: number): number => daysAgo(0) - minutes * 60_000;
    const verdict = decide(
      {
        tags: [tag("latest", "a")],
        manifests: [
          image("a"),
          image("platform", { pushedAt: minutesAgo(1) }),
          image("lost its tag", { untaggedAt: minutesAgo(59) }),
          image("old", { pushedAt: minutesAgo(61) }),
        ],
      },
      { delete: [{ untagged: true }] },
    );

    expect(verdict.manifests.map((one) => one.digest)).toEqual([digest("old")]);
  });

  test("a tag of an image's own digest is a pin of that image, which rules keep", () => {
    const pin = follower("a", "");
    const inventory = { tags: [tag("old", "a"), tag(pin, "a")], manifests: [image("a")] };

    const verdict = decide(inventory, { ...everything, keep: [{ tags: ["sha256-*"] }] });

    expect(kept(verdict)).toEqual([pin]);
    expect(verdict.manifests).toEqual([]);
  });

  test("signatures stay with what stays, go with what goes, and are never counted", () => {
    const verdict = decide(
      {
        tags: [
          tag("latest", "a"),
          tag("old", "b"),
          tag(follower("a"), "sig-a", daysAgo(0)),
          tag(follower("b"), "sig-b", daysAgo(0)),
          tag(follower("b", ".att"), "att-b", daysAgo(0)),
          tag(follower("b", ""), "referrers", daysAgo(0)),
        ],
        manifests: [
          ...["a", "b", "sig-a", "sig-b", "att-b"].map((name) => image(name)),
          index("referrers", ["sbom"]),
          image("sbom", { subject: digest("b") }),
        ],
      },
      { delete: [{ tags: ["*"] }], keep: [{ newest: 1, orderBy: "natural", except: ["old"] }] },
    );

    expect(kept(verdict)).toEqual(["latest", follower("a")]);
    expect(verdict.manifests.map((one) => one.digest)).toEqual(
      ["b", "sig-b", "att-b", "referrers", "sbom"].map(digest),
    );
  });

  test("a signature of a signature follows as well", () => {
    const verdict = decide(
      {
        tags: [tag("old", "a"), tag(follower("a"), "s"), tag(follower("s"), "t")],
        manifests: [image("t"), image("s"), image("a")],
      },
      { delete: [{ tags: ["old"] }] },
    );

    expect(kept(verdict)).toEqual([]);
    expect(verdict.manifests.map((one) => one.digest)).toEqual(["a", "s", "t"].map(digest));
  });

  test("without its subject it stays, unless all is listed, images are here, and a rule names it", () => {
    const orphan = tag(follower("elsewhere"), "sig");
    const alone = { tags: [orphan], manifests: [image("sig")] };
    const beside = {
      tags: [orphan, tag("latest", "a")],
      manifests: [image("sig"), image("a")],
    };

    expect(decide(alone, everything).tags[0]).toMatchObject({
      outcome: "keep",
      reason: `signature of ${digest("elsewhere")}, which is not here`,
      doubt: "its subject may be elsewhere",
    });
    expect(gone(decide({ ...beside, untaggedListed: false }, everything))).toEqual([]);
    expect(gone(decide(beside, { delete: [{ tags: ["latest"] }] }))).toEqual(["latest"]);
    expect(gone(decide(beside, everything))).toEqual([orphan.tag]);
  });
});

describe("untagged manifests", () => {
  const rules = { delete: [{ untagged: true, olderThan: 7 * DAY }] } as const;

  test("go when nothing leads to them, counted from when they lost their tag", () => {
    const verdict = decide(
      {
        tags: [tag("v1", "index")],
        manifests: [
          index("index", ["child"]),
          image("child"),
          image("referrer", { subject: digest("index") }),
          image("old"),
          image("lately", { untaggedAt: daysAgo(2) }),
          image("unknown", { pushedAt: null }),
        ],
      },
      rules,
    );

    expect(verdict.manifests).toMatchObject([
      {
        digest: digest("old"),
        rule: "delete.0",
        reason: "untagged, older than 7d (since 2026-02-21)",
      },
    ]);
  });

  test("stay where a registry does not list all, and where a keep rule is about them", () => {
    const parts = { manifests: [image("old", { pulledAt: daysAgo(3) })] };

    expect(decide({ ...parts, untaggedListed: false }, rules).manifests).toEqual([]);
    const keep = [{ pulledWithin: 30 * DAY }];
    expect(decide(parts, { ...rules, keep }).manifests).toEqual([]);
    expect(decide(parts, rules).manifests).toHaveLength(1);
  });
});

describe("images in use", () => {
  const running = (...names: readonly string[]): InUse => ({
    failure: () => null,
    find: (_sources, _repository, name, of) =>
      (name !== null && names.includes(name)) || names.includes(of) ? "reg/app (cluster)" : null,
  });
  const rules = {
    delete: [{ tags: ["*"] }, { untagged: true }],
    keep: [{ inUse: ["kubernetes"] }],
  };
  const parts = {
    tags: [tag("v1", "index"), tag("v2", "b"), tag("v3", "b")],
    manifests: [index("index", ["child"]), image("child"), image("b"), image("untagged")],
  } as const;

  test("are kept by their tag, or by their digest with all of its tags", () => {
    expect(kept(decide(parts, rules, { inUse: running("v2") }))).toEqual(["v2"]);
    const verdict = decide(parts, rules, { inUse: running(digest("b")) });
    expect(kept(verdict)).toEqual(["v2", "v3"]);
    expect(verdict.tags[1]?.reason).toBe("in use (reg/app (cluster))");
  });

  test("a part of an index keeps the index, and an untagged one itself", () => {
    expect(kept(decide(parts, rules, { inUse: running(digest("child")) }))).toEqual(["v1"]);
    const verdict = decide(parts, rules, { inUse: running(digest("untagged")) });
    expect(verdict.manifests.map((one) => one.digest)).not.toContain(digest("untagged"));
  });

  test("what refers to an image that goes stays where it is used itself", () => {
    const beside = {
      tags: [tag("v1", "a")],
      manifests: [
        image("a"),
        image("model", { subject: digest("a") }),
        image("sbom", { subject: digest("a") }),
      ],
    };
    const verdict = decide(beside, rules, { inUse: running(digest("model")) });

    expect(verdict.manifests.map((one) => one.digest)).toEqual(["a", "sbom"].map(digest));
  });

  test("a source that could not be read keeps everything", () => {
    const inUse = { failure: () => "kubernetes: no such file", find: () => null };
    const verdict = decide(parts, rules, { inUse });

    expect(verdict.keptWhole).toContain("no such file");
    expect([gone(verdict), verdict.manifests]).toEqual([[], []]);
  });
});
