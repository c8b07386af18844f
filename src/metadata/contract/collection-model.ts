import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseTag } from "../../oci/reference.ts";
import { POLICY, YOUNG, collectAll, follow } from "./collection-support.ts";
import { APP, type Given, OTHER, blobOf, child, digestFor, layer } from "./fixtures.ts";

/** Digests here are those of words, so a graph may have what real digests rule out, circles above all. */
const MANIFESTS = Array.from({ length: 8 }, (_, at) => `manifest ${at}`);
const LAYERS = Array.from({ length: 4 }, (_, at) => `layer ${at}`);
const TAGS = ["v1", "v2", "v3"];

type Step =
  | {
      readonly op: "push";
      readonly word: string;
      readonly children: readonly string[];
      readonly layers: readonly string[];
      readonly subject: string | null;
      readonly tag: string | null;
      readonly young: boolean;
    }
  | { readonly op: "link"; readonly word: string; readonly young: boolean }
  | { readonly op: "untag"; readonly tag: string; readonly young: boolean }
  | { readonly op: "remove"; readonly word: string }
  | { readonly op: "unlink"; readonly word: string }
  | { readonly op: "see"; readonly word: string }
  | { readonly op: "collect" };

const manifest = fc.constantFrom(...MANIFESTS);
const blob = fc.constantFrom(...LAYERS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("push" as const),
      word: manifest,
      children: fc.array(manifest, { maxLength: 3 }),
      // Now and then what one manifest takes for a layer is another.
      layers: fc.array(fc.oneof({ weight: 4, arbitrary: blob }, manifest), { maxLength: 2 }),
      subject: fc.option(manifest),
      tag: fc.option(fc.constantFrom(...TAGS)),
      young: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("link" as const),
      word: fc.oneof(blob, manifest),
      young: fc.boolean(),
    }),
  },
  fc.record({
    op: fc.constant("untag" as const),
    tag: fc.constantFrom(...TAGS),
    young: fc.boolean(),
  }),
  fc.record({ op: fc.constant("remove" as const), word: manifest }),
  fc.record({ op: fc.constant("unlink" as const), word: fc.oneof(blob, manifest) }),
  fc.record({ op: fc.constant("see" as const), word: manifest }),
  fc.record({ op: fc.constant("collect" as const) }),
);

/** Against the plainest way to say what is live: everything that can be reached from the roots. */
export function collectionModel(given: Given): void {
  const take = async (one: Step): Promise<unknown> => {
    const { metadata } = given;
    const at = "young" in one && one.young ? YOUNG : 1000;
    switch (one.op) {
      case "push":
        return await given.push(one.word, {
          needs: [...one.children.map(child), ...one.layers.map(layer)],
          ...(one.subject !== null && { subject: one.subject }),
          tags: one.tag === null ? [] : [one.tag],
          requireContent: false,
          at,
        });
      case "link":
        return await metadata.linkBlob(APP, blobOf(one.word), at, null);
      case "untag":
        return await metadata.removeTag(APP, parseTag(one.tag), at);
      case "remove":
        return await metadata.removeManifest(APP, digestFor(one.word), 1000);
      case "unlink":
        return await metadata.unlinkBlob(APP, digestFor(one.word), 1000);
      case "see":
        return await metadata.see([
          { kind: "manifest", name: APP, digest: digestFor(one.word), at: YOUNG },
        ]);
      case "collect":
        return await collectAll(given);
    }
  };

  /** The digests of what roots lead to. */
  const live = async (): Promise<{ manifests: string[]; links: string[] }> => {
    const records = await given.metadata.recordsOf(APP);
    const { manifests = [], tags = [], links = [] } = records ?? {};
    const tagged = new Set(tags.map(({ digest }) => digest));
    const since = (one: (typeof manifests)[number]): number =>
      Math.max(one.seenAt, one.untaggedAt ?? 0);
    const reached = new Set(
      manifests
        .filter((one) => tagged.has(one.digest) || since(one) >= (POLICY.untaggedBefore ?? 0))
        .map(({ digest }) => digest),
    );
    for (let before = -1; before !== reached.size;) {
      before = reached.size;
      for (const one of manifests) {
        if (one.subject && reached.has(one.subject)) reached.add(one.digest);
        if (!reached.has(one.digest)) continue;
        for (const { digest } of one.references) {
          if (manifests.some((other) => other.digest === digest)) reached.add(digest);
        }
      }
    }
    const named = new Set(
      manifests
        .filter(({ digest }) => reached.has(digest))
        .flatMap(({ references }) => references.map(({ digest }) => digest)),
    );
    return {
      manifests: [...reached].toSorted(),
      links: links
        .filter(({ digest, seenAt }) => named.has(digest) || seenAt >= POLICY.seenBefore)
        .map(({ digest }) => digest)
        .toSorted(),
    };
  };

  const left = async (): Promise<{ manifests: string[]; links: string[] }> => {
    const { manifests = [], links = [] } = (await given.metadata.recordsOf(APP)) ?? {};
    return {
      manifests: manifests.map(({ digest }) => digest).toSorted(),
      links: links.map(({ digest }) => digest).toSorted(),
    };
  };

  test("collections leave exactly what roots lead to, after any changes, however much they take at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.constantFrom(1, 3, 1000),
        async (steps, atOnce) => {
          await forget();
          // Another repository that is all live: nothing of it may go.
          await given.metadata.linkBlob(OTHER, blobOf(LAYERS[0] ?? ""), YOUNG, null);
          for (const one of steps) {
            if (one.op === "collect") {
              const expected = await live();
              await collectAll(given, {}, atOnce);
              expect(await left()).toEqual(expected);
            } else await take(one);
          }
          const expected = await live();
          await collectAll(given, {}, atOnce);

          expect(await left()).toEqual(expected);
          expect(await given.metadata.findBlob(OTHER, digestFor(LAYERS[0] ?? ""))).not.toBeNull();
          // And no bytes are left that nobody has, or taken that somebody has.
          await follow(given.metadata);
          const claimed = (await given.metadata.claim(100, [], POLICY)).map(({ digest }) => digest);
          const held = new Set([...expected.manifests, ...expected.links]);
          expect(claimed.filter((digest) => held.has(digest))).toEqual([]);
          const { blobs } = await given.metadata.listUnlinked({ last: null, limit: 1000 });
          expect(blobs).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  /** Between two runs of the property. */
  async function forget(): Promise<void> {
    await given.metadata.settle(
      (await given.metadata.listClaims()).map((one) => ({ ...one, moved: true })),
    );
    for (const name of [APP, OTHER]) {
      const nothing = { name, readAt: 0, blobs: [], manifests: [], tags: [], gone: true };
      await given.metadata.replaceRepository(nothing);
    }
    await follow(given.metadata);
    await given.metadata.settle(
      (await given.metadata.claim(1000, [], POLICY)).map((one) => ({ ...one, moved: true })),
    );
  }
}
