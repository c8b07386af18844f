import { describe, expect, test } from "bun:test";
import { parseTag } from "../../oci/reference.ts";
import { EVERYTHING, POLICY, item, queue } from "./collection-support.ts";
import { APP, type Given, OTHER, child, digestFor, layer, snapshotOf } from "./fixtures.ts";

/** What each change puts up for review, and what takes it from the queue. */
export function collectionQueue(given: Given): void {
  const waiting = async (): Promise<string[]> => await queue(given.metadata);

  describe("the queue has", () => {
    test("a new link, until a manifest that names it is pushed", async () => {
      await given.link("layer");
      expect(await waiting()).toEqual(["link layer 1000"]);

      await given.push("one", { tags: ["v1"], needs: [layer("layer")] });
      expect(await waiting()).toEqual([]);
    });

    test("a link that was mounted", async () => {
      await given.link("layer", OTHER);
      await given.metadata.mountBlob(APP, digestFor("layer"), OTHER, 3000);

      expect(await waiting()).toEqual(["link layer 3000"]);
    });

    test("a manifest that is pushed without a tag, until one names it or an index lists it", async () => {
      await given.push("one", { at: 3000 });
      await given.push("two", { at: 4000 });
      expect(await waiting()).toEqual(["manifest one 3000", "manifest two 4000"]);

      await given.push("index", { tags: ["v1"], needs: [child("one")] });
      await given.push("two", { tags: ["v2"] });
      expect(await waiting()).toEqual([]);
    });

    test("a referrer, until somebody looks and finds its subject", async () => {
      await given.push("one", { tags: ["v1"] });
      await given.push("signature", { subject: "one" });
      expect(await waiting()).toEqual(["manifest signature 1000"]);

      await given.metadata.collect([item("manifest", "signature")], POLICY);
      expect(await waiting()).toEqual([]);
    });

    test("a manifest that a moved tag named, from that moment on, unless another tag does", async () => {
      await given.push("one", { tags: ["v1", "v2"] });
      await given.push("two", { tags: ["v1"], at: 3000 });
      expect(await waiting()).toEqual([]);

      await given.push("two", { tags: ["v2"], at: 4000 });
      expect(await waiting()).toEqual(["manifest one 4000"]);

      await given.push("one", { tags: ["v1"], at: 5000 });
      expect(await waiting()).toEqual([]);
    });

    test("a manifest whose last tag was removed", async () => {
      await given.push("one", { tags: ["v1", "v2"] });
      await given.metadata.removeTag(APP, parseTag("v1"), 3000);
      expect(await waiting()).toEqual([]);

      await given.metadata.removeTag(APP, parseTag("v2"), 4000);
      expect(await waiting()).toEqual(["manifest one 4000"]);
      const records = await given.metadata.recordsOf(APP);
      expect(records?.manifests).toMatchObject([{ untaggedAt: 4000 }]);
    });

    test("what hung on a manifest that was deleted, and what nothing else names", async () => {
      await given.link("layer");
      await given.link("config");
      await given.push("one", { needs: [layer("layer")], at: 2000 });
      await given.push("two", { tags: ["v2"], needs: [layer("config")] });
      await given.push("index", { tags: ["v1"], needs: [child("one"), layer("config")] });
      await given.push("signature", { subject: "index", at: 3000 });

      await given.metadata.removeManifest(APP, digestFor("index"), 9000);

      // The configuration is in use: it leaves the queue when somebody looks.
      expect(await waiting()).toEqual([
        "link config 1000",
        "manifest one 2000",
        "manifest signature 3000",
      ]);
      await given.metadata.collect([item("link", "config")], POLICY);
      expect(await waiting()).not.toContain("link config 1000");
    });

    test("a repository that deletions have left empty, until something comes into it", async () => {
      await given.link("layer");
      await given.metadata.unlinkBlob(APP, digestFor("layer"), 3000);
      expect(await waiting()).toEqual(["repository 3000"]);
    });

    test("what the tree of another registry brings and no tag names, and what it has let go of", async () => {
      const tree = snapshotOf(APP, ["layer"], { one: "v1", two: "v2" });
      const [one, two] = tree.tags;
      await given.metadata.replaceRepository({ ...tree, tags: one ? [one] : [] });
      expect(await waiting()).toEqual(["manifest two 500"]);

      await given.metadata.replaceRepository({ ...tree, readAt: 8000, tags: two ? [two] : [] });
      expect(await waiting()).toContain("manifest one 8000");
      const records = await given.metadata.recordsOf(APP);
      expect(
        new Map(records?.manifests.map(({ digest, untaggedAt }) => [digest, untaggedAt])),
      ).toEqual(
        new Map([
          [digestFor("one"), 8000],
          [digestFor("two"), null],
        ]),
      );
    });

    test("the links and children of manifests that another program removed", async () => {
      const tree = snapshotOf(APP, ["layer"], { one: "v1" });
      await given.metadata.replaceRepository(tree);
      expect(await waiting()).toEqual([]);

      await given.metadata.replaceRepository({ ...tree, manifests: [], tags: [] });

      expect(await waiting()).toEqual(["link layer 500"]);
    });
  });

  describe("the queue", () => {
    test("gives what is older than the time for its kind, the oldest first, and counts", async () => {
      await given.metadata.linkBlob(APP, { digest: digestFor("layer"), size: 5 }, 5000, null);
      await given.metadata.linkBlob(APP, { digest: digestFor("small"), size: 5 }, 1000, null);
      await given.push("one", { at: 3000 });
      await given.push("two", { at: 7000 });
      const words = async (manifests: number | null, links: number, limit = 10) =>
        (await given.metadata.readReview({ manifests, links }, limit)).map(({ since }) => since);

      expect(await words(9000, 9000)).toEqual([1000, 3000, 5000, 7000]);
      expect(await words(9000, 9000, 2)).toEqual([1000, 3000]);
      expect(await words(7000, 1000)).toEqual([3000]);
      expect(await words(null, 9000)).toEqual([1000, 5000]);
      expect(await given.metadata.countReview({ manifests: 4000, links: 4000 })).toEqual({
        waiting: 4,
        due: 2,
        oldest: 1000,
      });
      expect(await given.metadata.countReview({ manifests: null, links: 0 })).toEqual({
        waiting: 4,
        due: 0,
        oldest: 1000,
      });
    });

    test("is empty at first", async () => {
      expect(await given.metadata.readReview(EVERYTHING, 10)).toEqual([]);
      expect(await given.metadata.countReview(EVERYTHING)).toEqual({
        waiting: 0,
        due: 0,
        oldest: null,
      });
    });

    test("takes what somebody puts up, with the earlier of two times, and nothing of an unknown repository", async () => {
      await given.push("one", { at: 3000 });
      await given.metadata.review([
        { kind: "manifest", name: APP, digest: digestFor("one"), since: 2000 },
        { kind: "manifest", name: APP, digest: digestFor("one"), since: 4000 },
        { kind: "manifest", name: OTHER, digest: digestFor("one"), since: 2000 },
        { kind: "repository", name: APP, since: 2000 },
      ]);

      expect(await waiting()).toEqual(["manifest one 2000"]);
      expect(await queue(given.metadata, OTHER)).toEqual([]);
    });

    test("takes all of a repository that no tag names and no tagged manifest lists", async () => {
      for (const word of ["layer", "config", "small"]) await given.link(word);
      await given.push("one", { needs: [layer("layer")] });
      await given.push("index", { tags: ["v1"], needs: [child("one")] });
      await given.push("two", { needs: [layer("config")] });
      const all = await given.metadata.readReview(EVERYTHING, 10);
      await given.metadata.collect(all, { ...POLICY, waitingUntil: 50_000 });
      expect(await waiting()).toEqual([]);

      expect(await given.metadata.reviewRepository(APP)).toBe(2);

      expect(await waiting()).toEqual(["link small 1000", "manifest two 1000"]);
      expect(await given.metadata.reviewRepository(OTHER)).toBe(0);
    });

    test("forgets a repository that goes, also when its place is taken by another", async () => {
      await given.metadata.replaceRepository(snapshotOf(APP, ["layer"], {}));
      await given.metadata.replaceRepository({ ...snapshotOf(APP, [], {}), gone: true });
      await given.metadata.replaceRepository(snapshotOf(OTHER, [], { one: "v1" }));

      expect(await given.metadata.readReview(EVERYTHING, 10)).toEqual([]);
    });
  });
}
