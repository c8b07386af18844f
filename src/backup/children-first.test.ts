import { expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredManifest } from "../metadata/stored-manifest.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { childrenFirst } from "./children-first.ts";

const named = (name: string | number): Digest => digestOf(Buffer.from(`${name}`));

function manifest(...children: readonly Digest[]): StoredManifest {
  const references = children.map((digest) => ({ role: "child" as const, digest, size: 1 }));
  const none = { subject: null, artifactType: null, annotations: null };
  return { mediaType: "application/json", ...none, references };
}

test("an index comes after all that it names, and everything comes once", () => {
  const edges = fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 40 });
  fc.assert(
    fc.property(edges, fc.shuffledSubarray([...Array(13).keys()]), (pairs, order) => {
      // Content cannot name itself, so there are no circles: edges lead to smaller numbers.
      const below = (one: number) =>
        pairs.filter(([from, to]) => from === one && to < one).map(([, to]) => named(to));
      const all = new Map(order.map((one) => [named(one), manifest(...below(one))]));

      const ordered = childrenFirst(all).map(([digest]) => digest);

      expect(ordered.toSorted()).toEqual([...all.keys()].toSorted());
      for (const [digest, { references }] of all) {
        for (const { digest: child } of references) {
          if (all.has(child)) expect(ordered.indexOf(child)).toBeLessThan(ordered.indexOf(digest));
        }
      }
    }),
  );
});

test("what names itself in a circle ends all the same", () => {
  const [one, two] = [named(1), named(2)];
  expect(
    childrenFirst(
      new Map([
        [one, manifest(two)],
        [two, manifest(one)],
      ]),
    ),
  ).toHaveLength(2);
});
