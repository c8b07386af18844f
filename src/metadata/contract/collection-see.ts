import { describe, expect, test } from "bun:test";
import type { Seen } from "../collection.ts";
import { parseTag } from "../../oci/reference.ts";
import { APP, type Given, OTHER, blobOf, child, digestFor, layer } from "./fixtures.ts";

/** Promises of existence, and what is known of a repository. */
export function collectionSee(given: Given): void {
  const seen = (kind: Seen["kind"], word: string, at: number, name = APP): Seen => ({
    kind,
    name,
    digest: digestFor(word),
    at,
  });

  describe("what was seen", () => {
    test("knows since when, and never an earlier time than before", async () => {
      await given.link("layer");
      await given.push("one", { tags: ["v1"], at: 1500 });
      const times = async () => [
        (await given.metadata.findBlob(APP, digestFor("layer")))?.seenAt,
        (await given.metadata.findManifest(APP, digestFor("one")))?.seenAt,
        (await given.metadata.findManifest(APP, parseTag("v1")))?.seenAt,
      ];
      expect(await times()).toEqual([1000, 1500, 1500]);

      for (const at of [3000, 2000]) {
        const both = [seen("link", "layer", at), seen("manifest", "one", at)];
        expect(await given.metadata.see(both)).toEqual([true, true]);
      }
      expect(await times()).toEqual([3000, 3000, 3000]);

      await given.metadata.see([seen("manifest", "one", 1200)]);
      expect(await times()).toEqual([3000, 3000, 3000]);
    });

    test("is said to be gone when it is, each for itself", async () => {
      await given.link("layer");
      await given.push("one");
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);

      expect(
        await given.metadata.see([
          seen("manifest", "one", 3000),
          seen("link", "layer", 3000),
          seen("link", "layer", 3000, OTHER),
          seen("manifest", "layer", 3000),
        ]),
      ).toEqual([false, true, false, false]);
      await given.metadata.unlinkBlob(APP, digestFor("layer"), 4000);
      expect(await given.metadata.see([seen("link", "layer", 5000)])).toEqual([false]);
    });

    test("includes what is pushed, linked or mounted again", async () => {
      await given.link("layer");
      await given.link("config");
      await given.push("one");
      await given.metadata.linkBlob(APP, blobOf("layer"), 3000, null);
      await given.metadata.mountBlob(APP, digestFor("config"), APP, 4000);
      await given.push("one", { at: 5000 });

      const records = await given.metadata.recordsOf(APP);
      expect(new Map(records?.links.map(({ digest, seenAt }) => [digest, seenAt]))).toEqual(
        new Map([
          [digestFor("layer"), 3000],
          [digestFor("config"), 4000],
        ]),
      );
      expect(records?.manifests).toMatchObject([{ pushedAt: 1000, seenAt: 5000 }]);
    });
  });

  describe("the records of a repository", () => {
    test("are all that it has", async () => {
      await given.link("layer");
      await given.push("one", { needs: [layer("layer")], tags: ["old"] });
      await given.push("index", {
        needs: [child("one")],
        tags: ["v1", "old"],
        subject: "absent",
        artifactType: "application/x",
        at: 3000,
      });
      await given.metadata.see([seen("manifest", "one", 4000)]);

      const records = await given.metadata.recordsOf(APP);

      expect(records?.name).toBe(APP);
      expect(records?.tags).toEqual([
        { tag: parseTag("old"), digest: digestFor("index"), pushedAt: 3000 },
        { tag: parseTag("v1"), digest: digestFor("index"), pushedAt: 3000 },
      ]);
      expect(records?.links).toEqual([{ ...blobOf("layer"), seenAt: 1000, linkedAt: 1000 }]);
      const byDigest = new Map(records?.manifests.map((one) => [one.digest, one]));
      expect(byDigest.get(digestFor("one"))).toEqual({
        digest: digestFor("one"),
        mediaType: expect.any(String) as string,
        size: 3,
        pushedAt: 1000,
        seenAt: 4000,
        untaggedAt: 3000,
        subject: null,
        artifactType: null,
        references: [{ role: "layer", ...blobOf("layer") }],
      });
      expect(byDigest.get(digestFor("index"))).toMatchObject({
        seenAt: 3000,
        untaggedAt: null,
        subject: digestFor("absent"),
        artifactType: "application/x",
        references: [{ role: "child", ...blobOf("one") }],
      });
    });

    test("are null where there is none", async () => {
      expect(await given.metadata.recordsOf(APP)).toBeNull();
    });
  });
}
