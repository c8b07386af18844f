import { expect, test } from "bun:test";
import fc from "fast-check";
import { temporaryFolder } from "../../test/support/folder.ts";
import { type CollectPolicy, reviewBefore } from "../metadata/collection.ts";
import { APP, blobOf, child, digestFor, layer, pushOf } from "../metadata/contract/fixtures.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { parseTag } from "../oci/reference.ts";
import { decide } from "./decide.ts";

/** Digests are those of words here, so a graph may have what real digests rule out, circles above all. */
const MANIFESTS = Array.from({ length: 7 }, (_, at) => `manifest ${at}`);
const LAYERS = Array.from({ length: 4 }, (_, at) => `layer ${at}`);

const time = fc.integer({ min: 0, max: 12 });
const manifest = fc.constantFrom(...MANIFESTS);
const tag = fc.constantFrom("v1", "v2");
const any = fc.oneof(manifest, fc.constantFrom(...LAYERS));
const push = fc.record({
  op: fc.constant("push" as const),
  word: manifest,
  children: fc.array(manifest, { maxLength: 3 }),
  layers: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...LAYERS) }, manifest), {
    maxLength: 2,
  }),
  subject: fc.option(manifest),
  tag: fc.option(tag, { freq: 2 }),
  at: time,
});
const step = fc.oneof(
  { weight: 5, arbitrary: push },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("link" as const), word: any, at: time }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("untag" as const), tag, at: time }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("see" as const), word: any, at: time }) },
);
const policy: fc.Arbitrary<CollectPolicy> = fc.record({
  run: fc.constant(1),
  now: fc.constant(1000),
  seenBefore: time,
  untaggedBefore: fc.option(time, { freq: 6 }),
  protectedDigests: fc.array(any.map(digestFor), { maxLength: 1 }),
  waitingUntil: fc.option(time, { freq: 2, nil: null }),
  removeEmpty: fc.boolean(),
});

async function take(
  one: typeof step extends fc.Arbitrary<infer S> ? S : never,
  metadata: Metadata,
) {
  switch (one.op) {
    case "push": {
      const { word, at, subject } = one;
      const needs = [...one.children.map(child), ...one.layers.map(layer)];
      const options = { needs, at, requireContent: false, ...(subject !== null && { subject }) };
      const tags = one.tag === null ? [] : [one.tag];
      return await metadata.putManifest(pushOf(APP, word, { ...options, tags }));
    }
    case "link":
      return await metadata.linkBlob(APP, blobOf(one.word), one.at, null);
    case "untag":
      return await metadata.removeTag(APP, parseTag(one.tag), one.at);
    case "see": {
      const seen = { name: APP, digest: digestFor(one.word), at: one.at };
      return await metadata.see([
        { kind: "manifest", ...seen },
        { kind: "link", ...seen },
      ]);
    }
  }
}

async function left(metadata: Metadata): Promise<{ manifests: string[]; links: string[] } | null> {
  const records = await metadata.recordsOf(APP);
  const sorted = (all: readonly { readonly digest: string }[]): string[] =>
    all.map(({ digest }) => digest).toSorted();
  return records && { manifests: sorted(records.manifests), links: sorted(records.links) };
}

test("what is decided of a repository is what a collection by rows comes to, from wherever its queue begins", async () => {
  await using folder = await temporaryFolder();
  await using metadata = await opened(folder.at("metadata.sqlite"));
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25, size: "max" }),
      policy,
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (steps, by, anew, atOnce) => {
        await forgetAll(metadata);
        for (const one of steps) await take(one, metadata);
        const records = await metadata.recordsOf(APP);
        if (!records) return;
        const verdict = decide({ ...records, unreadable: [] }, by);
        if (verdict.whole) throw new Error(verdict.reason);

        if (anew) await metadata.reviewRepository(APP);
        for (let rounds = 0; ; rounds++) {
          const items = await metadata.readReview(reviewBefore(by), atOnce);
          if (items.length === 0) break;
          await metadata.collect(items, by);
          if (rounds > 500) throw new Error("the queue does not become empty");
        }

        const wanted = {
          manifests: [...verdict.keptManifests].toSorted(),
          links: [...verdict.keptLinks].toSorted(),
        };
        expect((await left(metadata)) ?? { manifests: [], links: [] }).toEqual(wanted);
      },
    ),
    { numRuns: 400 },
  );
}, 120_000);

async function opened(path: string): Promise<Metadata & AsyncDisposable> {
  const metadata = await openSqlite(path);
  return { ...metadata, [Symbol.asyncDispose]: async () => await metadata.close() };
}

async function forgetAll(metadata: Metadata): Promise<void> {
  const nothing = { blobs: [], manifests: [], tags: [], readAt: 0 };
  await metadata.replaceRepository({ name: APP, ...nothing, gone: true });
  await metadata.retireJournal(Number.MAX_SAFE_INTEGER);
}
