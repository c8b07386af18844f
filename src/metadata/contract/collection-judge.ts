import { describe, expect, test } from "bun:test";
import type { CollectPolicy, Collected } from "../collection.ts";
import { parseTag } from "../../oci/reference.ts";
import { POLICY, YOUNG, collectAll, gone, item, queue } from "./collection-support.ts";
import { ALL, APP, type Given, OTHER, child, digestFor, layer } from "./fixtures.ts";

const NOTHING_KEPT = {
  tagged: 0,
  needed: 0,
  young: 0,
  protected: 0,
  waiting: 0,
  unreadable: 0,
  gone: 0,
};

/** What `collect` takes, and what it keeps and why. */
export function collectionJudge(given: Given): void {
  const collect = async (
    kind: "manifest" | "link",
    word: string,
    policy: Partial<CollectPolicy> = {},
  ): Promise<Collected> =>
    await given.metadata.collect([item(kind, word)], { ...POLICY, ...policy });
  const waiting = async (): Promise<string[]> => await queue(given.metadata);

  describe("a collection keeps", () => {
    test("what a tag names", async () => {
      await given.push("one", { tags: ["v1"] });

      const collected = await collect("manifest", "one");

      expect(collected).toMatchObject({ manifests: [], kept: { ...NOTHING_KEPT, tagged: 1 } });
      expect(await given.metadata.findManifest(APP, digestFor("one"))).not.toBeNull();
    });

    test("a child of a tagged index, also of an index inside another", async () => {
      await given.push("one");
      await given.push("two", { needs: [child("one")] });
      await given.push("index", { tags: ["v1"], needs: [child("two")] });

      expect((await collect("manifest", "one")).kept).toEqual({ ...NOTHING_KEPT, needed: 1 });
      expect((await collect("manifest", "two")).kept).toEqual({ ...NOTHING_KEPT, needed: 1 });
      expect(await waiting()).toEqual([]);
    });

    test("a referrer of what is kept, and referrers of that", async () => {
      await given.push("signature", { subject: "small" });
      await given.push("small", { subject: "one" });
      await given.push("one", { tags: ["v1"] });

      expect(await collectAll(given)).toEqual([]);
    });

    test("what is young: pushed, seen or untagged only just, and looks again when it is old", async () => {
      await given.push("one", { at: YOUNG });
      await given.push("two");
      await given.push("three", { tags: ["v3"] });
      await given.metadata.removeTag(APP, parseTag("v3"), YOUNG + 2);
      await given.metadata.see([
        { kind: "manifest", name: APP, digest: digestFor("two"), at: YOUNG + 1 },
      ]);

      for (const word of ["one", "two", "three"]) {
        expect((await collect("manifest", word)).kept).toEqual({ ...NOTHING_KEPT, young: 1 });
      }

      expect(await waiting()).toEqual([
        `manifest one ${YOUNG}`,
        `manifest three ${YOUNG + 2}`,
        `manifest two ${YOUNG + 1}`,
      ]);
    });

    test("what is exactly as old as must be waited for", async () => {
      await given.push("one", { at: 20_000 });
      await given.metadata.linkBlob(APP, { digest: digestFor("layer"), size: 1 }, 50_000, null);

      expect((await collect("manifest", "one")).kept.young).toBe(1);
      expect((await collect("link", "layer")).kept.young).toBe(1);
      expect((await collect("manifest", "one", { untaggedBefore: 20_001 })).manifests).toHaveLength(
        1,
      );
      expect((await collect("link", "layer", { seenBefore: 50_001 })).links).toHaveLength(1);
    });

    test("what is untagged for long enough, but was pushed within the grace", async () => {
      await given.push("one", { at: 60_000 });

      expect(await collectAll(given, { untaggedBefore: 70_000 })).toEqual([]);
      expect(await waiting()).toEqual(["manifest one 60000"]);
    });

    test("an old child of a young index without a tag", async () => {
      await given.push("one");
      await given.push("index", { needs: [child("one")], at: YOUNG });

      expect((await collect("manifest", "one")).kept.needed).toBe(1);
    });

    test("a link that was seen only just", async () => {
      await given.link("layer");
      await given.metadata.see([
        { kind: "link", name: APP, digest: digestFor("layer"), at: YOUNG },
      ]);

      expect((await collect("link", "layer")).kept.young).toBe(1);
      expect(await waiting()).toEqual([`link layer ${YOUNG}`]);
    });

    test("a link that a manifest names, whether or not a tag names that one", async () => {
      await given.link("layer");
      await given.push("one", { needs: [layer("layer")], at: YOUNG });

      expect((await collect("link", "layer")).kept.needed).toBe(1);
    });

    test("a blob that an index lists as its child", async () => {
      await given.link("layer");
      await given.push("index", { tags: ["v1"], needs: [{ ...child("layer"), manifest: false }] });

      expect((await collect("link", "layer")).kept.needed).toBe(1);
    });

    test("what is protected and what hangs on it, and looks at it again later", async () => {
      await given.link("layer");
      await given.link("small");
      await given.push("one", { needs: [layer("layer")] });
      await given.push("index", { needs: [child("one")] });
      const protectedDigests = [digestFor("index"), digestFor("small")];

      expect((await collect("manifest", "index", { protectedDigests })).kept.protected).toBe(1);
      expect((await collect("manifest", "one", { protectedDigests })).kept.needed).toBe(1);
      expect((await collect("link", "small", { protectedDigests })).kept.protected).toBe(1);
      expect(await waiting()).toEqual([`link small ${POLICY.now}`, `manifest index ${POLICY.now}`]);
    });

    test("what was here at the moment that waits for its owner's yes", async () => {
      for (const word of ["layer", "small"]) await given.link(word);
      await given.push("one");
      await given.push("two", { at: 1001 });
      const policy = { waitingUntil: 1000 };

      expect((await collect("manifest", "one", policy)).kept.waiting).toBe(1);
      expect((await collect("link", "layer", policy)).kept.waiting).toBe(1);
      expect((await collect("manifest", "two", policy)).manifests).toHaveLength(1);
      expect(await waiting()).toEqual(["link small 1000"]);
    });

    test("every manifest where untagged ones are kept", async () => {
      await given.link("layer");
      await given.push("one");

      expect(await collectAll(given, { untaggedBefore: null })).toEqual(["link layer"]);
      expect((await collect("manifest", "one", { untaggedBefore: null })).kept.young).toBe(1);
    });

    test("the same digest in another repository, where something needs it", async () => {
      for (const name of [APP, OTHER]) {
        await given.link("layer", name);
        await given.push("one", { needs: [layer("layer")] }, name);
      }
      await given.push("index", { tags: ["v1"], needs: [child("one")] }, OTHER);

      expect(await collectAll(given)).toEqual(["manifest one", "link layer"]);

      expect(await given.metadata.findManifest(OTHER, digestFor("one"))).not.toBeNull();
      expect(await given.metadata.findBlob(OTHER, digestFor("layer"))).not.toBeNull();
      expect(await given.metadata.claim(10, [], POLICY)).toEqual([]);
    });
  });

  describe("a collection takes", () => {
    test("what no tag has named for long enough, then what hung on it", async () => {
      for (const word of ["layer", "config"]) await given.link(word);
      await given.push("one", { needs: [layer("layer"), layer("config")] });
      await given.push("index", { tags: ["v1"], needs: [child("one")] });
      await given.push("signature", { subject: "one" });
      await given.metadata.removeTag(APP, parseTag("v1"), 2000);

      expect(await collectAll(given)).toEqual([
        "manifest index",
        "manifest one",
        "manifest signature",
        "link config",
        "link layer",
      ]);

      expect(await waiting()).toEqual([]);
      expect(await given.metadata.recordsOf(APP)).toEqual({
        name: APP,
        tags: [],
        manifests: [],
        links: [],
        unreadable: [],
      });
    });

    test("what is above an item, too, when nothing keeps that either: those that need first", async () => {
      await given.push("one");
      await given.push("two", { needs: [child("one")] });
      await given.push("index", { needs: [child("two")] });
      await given.push("signature", { subject: "index", needs: [child("one")] });

      expect(gone(await collect("manifest", "one"))).toEqual([
        "manifest index",
        "manifest two",
        "manifest signature",
        "manifest one",
      ]);
    });

    test("a referrer whose subject is gone", async () => {
      await given.push("signature", { subject: "absent" });

      expect(await collectAll(given)).toEqual(["manifest signature"]);
    });

    test("a circle that no root reaches, and leaves one that a root does", async () => {
      const free = { requireContent: false };
      await given.push("one", { ...free, needs: [child("two")] });
      await given.push("two", { ...free, needs: [child("one")] });
      await given.push("three", { ...free, needs: [child("small")], subject: "index" });
      await given.push("small", { ...free, needs: [child("three")] });
      await given.push("index", { tags: ["v1"] });

      expect((await collectAll(given)).toSorted()).toEqual(["manifest one", "manifest two"]);
    });

    test("a diamond of 40 levels, each digest once", async () => {
      const top = [...Array.from({ length: 40 }).keys()].toReversed();
      await given.push("bottom");
      for (const level of top.toReversed()) {
        const below = level === 0 ? ["bottom"] : [`left ${level - 1}`, `right ${level - 1}`];
        for (const side of ["left", "right"]) {
          await given.push(`${side} ${level}`, { needs: below.map(child) });
        }
      }

      const { manifests } = await collect("manifest", "bottom");

      expect(manifests).toHaveLength(81);
      expect(new Set(manifests.map(({ digest }) => digest)).size).toBe(81);
      expect(await given.metadata.listManifests(APP, ALL)).toEqual([]);
    });

    test("nothing twice, and says what was gone before", async () => {
      await given.push("one");
      const items = [item("manifest", "one"), item("manifest", "one"), item("link", "layer")];

      const { manifests, kept } = await given.metadata.collect(
        [...items, item("manifest", "one", OTHER)],
        POLICY,
      );

      expect(manifests).toHaveLength(1);
      expect(kept).toEqual({ ...NOTHING_KEPT, gone: 3 });
    });

    test("a repository that is empty then, where that is wanted, and tells the tree", async () => {
      await given.link("layer");
      const keeping = await collectAll(given, { removeEmpty: false });
      expect(keeping).toEqual(["link layer"]);
      expect(await given.metadata.hasRepository(APP)).toBe(true);

      await given.metadata.reviewRepository(APP);
      expect(await collectAll(given, { removeEmpty: true })).toEqual([`repository ${APP}`]);

      expect(await given.metadata.hasRepository(APP)).toBe(false);
      expect((await given.journal()).at(-1)).toEqual({ op: "remove-repository", name: APP });
      expect(await waiting()).toEqual([]);
    });

    test("no repository that has something", async () => {
      await given.link("layer");
      await given.push("one", { tags: ["v1"] });

      expect(await collectAll(given, { removeEmpty: true })).toEqual(["link layer"]);
      expect(await given.metadata.hasRepository(APP)).toBe(true);
    });

    test("tells the tree in the order in which nothing dangles, with the past of tags", async () => {
      await given.link("layer");
      await given.push("one", { tags: ["v1"], needs: [layer("layer")] });
      await given.push("two", { tags: ["v1"], at: 2000 });
      const before = (await given.journal()).length;

      await collectAll(given);

      expect((await given.journal()).slice(before)).toEqual([
        { op: "forget-tagged", name: APP, tag: parseTag("v1"), digest: digestFor("one") },
        { op: "remove-manifest", name: APP, digest: digestFor("one") },
        { op: "unlink-layer", name: APP, digest: digestFor("layer") },
      ]);
    });
  });
}
