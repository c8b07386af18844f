import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Digest, digestOf } from "../oci/digest.ts";
import { builtAt, latestOf, blobsByDigest, partsOf, timeOf } from "./retention-images.ts";

const digestFor = (word: string | number): Digest =>
  digestOf(new TextEncoder().encode(String(word)));
const config = (document: unknown): Uint8Array =>
  new TextEncoder().encode(typeof document === "string" ? document : JSON.stringify(document));

describe("when an image was built", () => {
  test.each([
    [{ created: "2026-01-02T03:04:05Z" }, Date.UTC(2026, 0, 2, 3, 4, 5)],
    [{ created: "2026-01-02T03:04:05.123456789Z" }, Date.UTC(2026, 0, 2, 3, 4, 5, 123)],
    [{ created: "2026-01-02T03:04:05+02:00" }, Date.UTC(2026, 0, 2, 1, 4, 5)],
    [{ created: "1970-01-01T00:00:00Z" }, 0],
    [{ created: "0001-01-01T00:00:00Z" }, Date.parse("0001-01-01T00:00:00Z")],
    [{ created: "yesterday" }, null],
    [{ created: "2026-13-40T03:04:05Z" }, null],
    [{ created: "Jan 2 2026" }, null],
    [{ created: 1_767_323_045 }, null],
    [{}, null],
    [[], null],
    ["", null],
    ["{", null],
  ])("%j: %p", (document, expected) => {
    expect(builtAt(config(document))).toBe(expected);
  });

  test("is nothing that depends on where this runs", () => {
    expect(timeOf("2026-01-02")).toBeNull();
    expect(timeOf("2026-01-02 03:04:05")).toBeNull();
    expect(timeOf("2026-01-02T03:04:05")).toBeNull();
    expect(timeOf("2026-01-02T03:04:05 or so")).toBeNull();
  });
});

describe("what a manifest names", () => {
  const manifests = new Set([digestFor("child"), digestFor("odd")]);
  const blobs = blobsByDigest([
    { digest: digestFor("config"), size: 10 },
    { digest: digestFor("layer"), size: 20 },
    { digest: digestFor("cache"), size: 30 },
  ]);
  const held = {
    isManifest: (digest: Digest) => manifests.has(digest),
    blobOf: (digest: Digest) => blobs.get(digest) ?? null,
  };

  test("is manifests and blobs by what they are here; what is nowhere takes no room", () => {
    const names = [
      ["config", "config"],
      ["layer", "layer"],
      ["layer", "layer"],
      ["layer", "foreign"],
      ["layer", "odd"],
      ["child", "child"],
      ["child", "cache"],
      ["child", "sparse"],
    ] as const;
    const references = names.map(([role, word]) => ({ role, digest: digestFor(word), size: 1 }));
    expect(partsOf(references, held)).toEqual({
      children: ["odd", "child", "sparse"].map(digestFor),
      blobs: [
        { digest: digestFor("config"), size: 10 },
        { digest: digestFor("layer"), size: 20 },
        { digest: digestFor("cache"), size: 30 },
      ],
    });
  });
});

test("images that share a layer share what is known of it", () => {
  const blobs = blobsByDigest([{ digest: digestFor("layer"), size: 20 }]);
  const held = {
    isManifest: () => false,
    blobOf: (digest: Digest) => blobs.get(digest) ?? null,
  };
  const references = [{ role: "layer" as const, digest: digestFor("layer"), size: 1 }];
  expect(partsOf(references, held).blobs[0]).toBe(partsOf(references, held).blobs[0] as never);
});

describe("the latest of a manifest and all below it", () => {
  test("goes up through indexes of indexes, and not down", () => {
    const manifests = [
      { digest: digestFor("top"), children: [digestFor("middle")] },
      { digest: digestFor("middle"), children: [digestFor("one"), digestFor("two")] },
      { digest: digestFor("one"), children: [] },
      { digest: digestFor("two"), children: [] },
    ];
    const own = new Map([
      [digestFor("one"), 5],
      [digestFor("middle"), 3],
    ]);
    const latest = latestOf(manifests, (digest) => own.get(digest) ?? null);
    expect(Object.fromEntries(latest)).toEqual({
      [digestFor("top")]: 5,
      [digestFor("middle")]: 5,
      [digestFor("one")]: 5,
    });
  });

  test("is what a search from each of them finds, whatever the order", () => {
    const graph = fc.array(
      fc.record({
        children: fc.array(fc.nat(19), { maxLength: 4 }),
        at: fc.option(fc.nat(100)),
      }),
      { minLength: 20, maxLength: 20 },
    );
    fc.assert(
      fc.property(graph, (nodes) => {
        // Only to later ones: circles cannot be made of digests.
        const manifests = nodes.map(({ children }, at) => ({
          digest: digestFor(at),
          children: children.filter((child) => child > at).map(digestFor),
        }));
        const own = new Map(nodes.map(({ at }, index) => [digestFor(index), at]));
        const below = (digest: Digest): number[] => {
          const one = manifests.find((each) => each.digest === digest);
          const at = own.get(digest);
          return [...(at == null ? [] : [at]), ...(one?.children ?? []).flatMap(below)];
        };
        for (const order of [manifests, manifests.toReversed()]) {
          const latest = latestOf(order, (digest) => own.get(digest) ?? null);
          for (const { digest } of manifests) {
            const all = below(digest);
            expect(latest.get(digest)).toBe(all.length === 0 ? undefined : Math.max(...all));
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test("comes to an end where somebody has made a circle of broken manifests", () => {
    const manifests = [
      { digest: digestFor("a"), children: [digestFor("b"), digestFor("a")] },
      { digest: digestFor("b"), children: [digestFor("a")] },
    ];
    expect(latestOf(manifests, () => 7).get(digestFor("a"))).toBe(7);
  });
});
