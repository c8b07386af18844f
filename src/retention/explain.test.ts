import { describe, expect, test } from "bun:test";
import type { Tag } from "../oci/reference.ts";
import { compilePolicy } from "./compile.ts";
import { NOTHING_IN_USE } from "./decide.ts";
import { explainTag } from "./explain.ts";
import { explanationLines } from "./explain-words.ts";
import {
  DAY,
  NOW,
  type Rules,
  daysAgo,
  digest,
  image,
  inventory,
  policy,
  tag,
  tagged,
} from "./inventory-fixtures.ts";

const context = { now: NOW, inUse: NOTHING_IN_USE };

function explain(parts: Parameters<typeof inventory>[0], rules: Rules, name: string) {
  return explainTag(inventory(parts), compilePolicy(policy(rules)), context, name as Tag);
}

function lines(...given: Parameters<typeof explain>): readonly string[] {
  const found = explain(...given);
  return found === null ? [] : explanationLines(found);
}

const releases = tagged({ "v1.9.0": 90, "v1.10.0": 60, "v1.11.0": 30, "dev-1": 10 });
const rules: Rules = {
  delete: [{ tags: ["*"], olderThan: 14 * DAY }],
  keep: [{ semver: ">=1.0.0", newest: 2 }, { tags: ["latest"] }],
};

describe("an explanation", () => {
  test("of a tag that goes says by which rule, and what would keep it", () => {
    expect(lines(releases, rules, "v1.9.0")).toEqual([
      "team/app:v1.9.0 goes by delete.0 of policy test: matches *, older than 14d (pushed 2026-03-03).",
      "delete.0 holds: matches *: yes; older than 14d (pushed 2026-03-03): yes.",
      "keep.0 does not hold: is a version in >=1.0.0: yes; newest 2 by semver (it is number 3 of 3): no.",
      "keep.1 does not hold: matches latest: no.",
      "It would stay by keep.0 if it were among the newest 2 by semver (it is number 3 of 3).",
      "It would stay by keep.1 if it were one that matches latest.",
    ]);
  });

  test("of a tag that a keep rule keeps says what it would lose with it", () => {
    const [decision, , , , change] = lines(releases, rules, "v1.10.0");

    expect(decision).toBe(
      "team/app:v1.10.0 stays by keep.0 of policy test: newest 2 by semver, is a version in >=1.0.0.",
    );
    expect(change).toBe("It would go without keep.0.");
  });

  test("of a tag that is too young says from when on it goes", () => {
    expect(lines(releases, rules, "dev-1").at(-1)).toBe(
      "It would go by delete.0 if it were older than 14d (pushed 2026-05-22), as it will be after 2026-06-05.",
    );
  });

  test("of a tag whose time nobody knows says so", () => {
    const [decision, rule] = lines(tagged({ a: null }), rules, "a");

    expect(decision).toEndWith(
      "its age is not known. In doubt it is kept: delete.0 goes by the time when it was pushed, which is not known.",
    );
    expect(rule).toBe(
      "delete.0 may hold: matches *: yes; older than 14d (pushed: unknown): unknown.",
    );
  });

  test("of a tag whose digest stays names those that share it", () => {
    const parts = { tags: [tag("a", "x"), tag("b", "x")], manifests: [image("x")] };
    const found = explain(parts, { delete: [{ tags: ["a"] }] }, "a");

    expect(found).toMatchObject({ sharedWith: ["b"], digestGoes: false });
    expect(found === null ? [] : explanationLines(found)).toContain(
      "Its digest stays, because b has the same.",
    );
  });

  test("of a signature says that it follows its subject", () => {
    const name = `sha256-${digest("x").slice(7)}.sig`;
    const parts = {
      tags: [tag("a", "x"), tag(name, "signature")],
      manifests: [image("x"), image("signature")],
    };

    expect(lines(parts, { delete: [{ tags: ["*"] }] }, name)).toEqual([
      `team/app:${name} goes by policy test: signature of ${digest("x").slice(0, 19)}, which goes.`,
      "It follows its subject: it stays and goes with it.",
    ]);
  });

  test("counts its place in its group, and among the doomed where the rule does", () => {
    const many = tagged({ "a-1": 50, "a-2": 40, "a-3": 30, "b-1": 60, young: 1 });
    const doomed: Rules = {
      delete: [{ tags: ["*"], olderThan: 14 * DAY }],
      keep: [{ newest: 1, of: "doomed", groupBy: "^(?<branch>[a-z]+)-" }, { tags: ["a-3"] }],
    };

    expect(explain(many, doomed, "a-1")?.rules[1]).toMatchObject({
      holds: false,
      conditions: [{ text: "newest 1 of the doomed by pushed of a (it is number 2 of 2)" }],
    });
    expect(explain(many, doomed, "a-2")?.rules[1]).toMatchObject({ holds: true });
    expect(explain(many, doomed, "young")?.rules[1]?.conditions[0]?.text).toContain("none of them");
  });

  test("of a tag that is not there is null, and without a policy short", () => {
    expect(explain(releases, rules, "nowhere")).toBeNull();
    const found = explainTag(inventory(releases), null, context, "dev-1" as Tag);
    expect(found === null ? [] : explanationLines(found)).toEqual([
      "team/app:dev-1 stays: no policy is about this repository.",
      "It could go if a policy named its repository.",
    ]);
  });

  test("knows the times that are believed", () => {
    const parts = { tags: [tag("a", "x", daysAgo(5))], manifests: [image("x", { createdAt: 0 })] };

    expect(explain(parts, rules, "a")?.times).toEqual({
      pushed: daysAgo(5),
      created: daysAgo(5),
      pulled: null,
    });
  });
});
