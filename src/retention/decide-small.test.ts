import { describe, expect, test } from "bun:test";
import { decide, gone, image, tag, tagged } from "./inventory-fixtures.ts";

const ALL = { delete: [{ tags: ["*"] }] };

describe("a keep rule about small repositories", () => {
  test("keeps all of one with as many tags, and nothing of one with more", () => {
    const rules = { ...ALL, keep: [{ tagsAtMost: 3 }] };

    expect(gone(decide(tagged({ a: 1, b: 2, c: 3 }), rules))).toEqual([]);
    expect(gone(decide(tagged({ a: 1, b: 2, c: 3, d: 4 }), rules))).toEqual(["a", "b", "c", "d"]);
  });

  test("does not count signatures", () => {
    const one = tag("a", "x");
    const signature = tag(one.digest.replace(":", "-") + ".sig", "s");
    const manifests = [image("x"), image("s")];
    const rules = { ...ALL, keep: [{ tagsAtMost: 1 }] };

    expect(gone(decide({ tags: [one, signature], manifests }, rules))).toEqual([]);
  });

  test("holds together with its other conditions, and of what is left the newest of the doomed stay", () => {
    const versions = Object.fromEntries(
      Array.from({ length: 6 }, (_, patch) => [`1.0.${patch}-dev`, patch]),
    );
    const rules = {
      delete: [{ tags: ["/dev/"], version: true }, { version: false }],
      keep: [
        { tags: ["latest"] },
        { tagsAtMost: 3 },
        { version: true, newest: 3, of: "doomed" as const, orderBy: "semver" as const },
      ],
    };
    const inventory = tagged({ ...versions, latest: 1, "feature-x": 1, "2.0.0": 9 });

    expect(gone(decide(inventory, rules)).toSorted()).toEqual([
      "1.0.0-dev",
      "1.0.1-dev",
      "1.0.2-dev",
      "feature-x",
    ]);
  });
});
