import { describe, expect, test } from "bun:test";
import { digestOf } from "../../oci/digest.ts";
import type { Requirement } from "../../oci/manifest.ts";
import { OCI_IMAGE } from "../../oci/media-types.ts";
import { parseTag } from "../../oci/reference.ts";
import {
  ALL,
  APP,
  type Given,
  OTHER,
  blobOf,
  bytesOf,
  child,
  digestFor,
  layer,
  pushOf,
} from "./fixtures.ts";

/** Pushing and removing manifests and tags. */
export function manifests(given: Given): void {
  describe("a manifest", () => {
    test("that was pushed is found by its digest and by each of its tags, byte for byte", async () => {
      expect(await given.push("manifest", { tags: ["v1", "latest"] })).toEqual([]);

      const expected = {
        digest: digestFor("manifest"),
        mediaType: OCI_IMAGE,
        bytes: bytesOf("manifest"),
      };
      expect(await given.metadata.findManifest(APP, digestFor("manifest"))).toMatchObject(expected);
      expect(await given.metadata.findManifest(APP, parseTag("v1"))).toMatchObject(expected);
      expect(await given.metadata.findManifest(APP, parseTag("latest"))).toMatchObject(expected);
      expect(await given.metadata.findManifest(OTHER, digestFor("manifest"))).toBeNull();
    });

    test("keeps bytes of any kind and size", async () => {
      const bytes = new Uint8Array(3_000_000).map((_, at) => at % 251);
      const digest = digestOf(bytes);
      await given.metadata.putManifest({ ...pushOf(APP, "x"), digest, bytes });

      expect(Bun.hash((await given.metadata.findManifest(APP, digest))?.bytes ?? "")).toBe(
        Bun.hash(bytes),
      );
    });

    test("brings its repository into being, and is told to the tree before its tags", async () => {
      await given.push("manifest", { tags: ["v1", "v2"] });
      const set = {
        op: "set-tag",
        name: APP,
        digest: digestFor("manifest"),
        previous: null,
      } as const;

      expect(await given.metadata.hasRepository(APP)).toBe(true);
      expect(await given.journal()).toEqual([
        { op: "put-manifest", name: APP, digest: digestFor("manifest") },
        { ...set, tag: parseTag("v1") },
        { ...set, tag: parseTag("v2") },
      ]);
    });

    test("that is pushed again is told to the tree once", async () => {
      await given.push("manifest");
      await given.push("manifest");

      expect(await given.journal()).toHaveLength(1);
    });

    test("is recorded with what it names", async () => {
      await given.link("config");
      await given.link("layer");
      await given.push("one");
      const config: Requirement = {
        ...blobOf("config"),
        role: "config",
        manifest: false,
        required: true,
      };

      expect(
        await given.push("index", {
          needs: [config, layer("layer"), layer("layer"), child("one")],
        }),
      ).toEqual([]);

      const references = await given.metadata.referencesOf(APP, digestFor("index"));
      expect(references.toSorted((a, b) => (a.role < b.role ? -1 : 1))).toEqual([
        { role: "child", ...blobOf("one") },
        { role: "config", ...blobOf("config") },
        { role: "layer", ...blobOf("layer") },
      ]);
    });

    test.each([
      ["a layer", layer("absent")],
      ["a manifest", child("absent")],
      ["a manifest, of which only the bytes are there as a blob", child("layer")],
      ["a layer, of which only the bytes are there as a manifest", layer("one")],
    ])("is declined while %s is missing, and nothing is changed", async (_, needed) => {
      await given.link("layer");
      await given.push("one", { tags: ["v1"] });
      const before = await given.shown();

      expect(
        await given.push("index", { tags: ["v1", "v2"], needs: [layer("layer"), needed] }),
      ).toEqual([needed.digest]);

      expect(await given.shown()).toEqual(before);
    });

    test("is declined in a repository that is not there, which then is still not there", async () => {
      await given.link("layer", OTHER);

      expect(await given.push("manifest", { tags: ["v1"], needs: [layer("layer")] })).toEqual([
        digestFor("layer"),
      ]);

      expect(await given.metadata.hasRepository(APP)).toBe(false);
      expect(await given.metadata.findManifest(APP, parseTag("v1"))).toBeNull();
    });

    test("is declined with all that is missing, each once", async () => {
      const missing = await given.push("index", {
        needs: [layer("one"), child("two"), layer("config"), layer("one")],
      });

      expect(missing.toSorted()).toEqual(["one", "two", "config"].map(digestFor).toSorted());
    });

    test("may name an entry that is a blob, where no manifest is required", async () => {
      await given.link("layer");

      expect(
        await given.push("index", { needs: [{ ...child("layer"), manifest: false }] }),
      ).toEqual([]);
      expect(await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000)).toMatchObject({
        removed: false,
      });
    });

    test("is taken although content is missing when that is not required", async () => {
      expect(
        await given.push("index", {
          tags: ["v1"],
          needs: [child("absent")],
          requireContent: false,
        }),
      ).toEqual([]);

      expect(await given.metadata.findManifest(APP, parseTag("v1"))).not.toBeNull();
      expect(await given.metadata.referencesOf(APP, digestFor("index"))).toHaveLength(1);
    });

    test("that is removed goes with every tag on it, and the tree is told tags first", async () => {
      await given.push("one", { tags: ["v1", "latest"] });
      await given.push("two", { tags: ["v2"] });
      const before = (await given.journal()).length;

      const { tags, ...rest } = await given.metadata.removeManifest(APP, digestFor("one"), 2000);

      expect(rest).toEqual({ removed: true, neededBy: [] });
      expect(tags.toSorted() as string[]).toEqual(["latest", "v1"]);
      expect(await given.metadata.findManifest(APP, digestFor("one"))).toBeNull();
      expect(await given.metadata.findManifest(APP, parseTag("v1"))).toBeNull();
      expect(await given.metadata.listTagNames(APP, ALL)).toEqual([parseTag("v2")]);
      expect(await given.metadata.referencesOf(APP, digestFor("one"))).toEqual([]);
      const told = (await given.journal()).slice(before);
      expect(told.map(({ op }) => op)).toEqual(["remove-tag", "remove-tag", "remove-manifest"]);
      expect(told).toContainEqual({
        op: "remove-tag",
        name: APP,
        tag: parseTag("v1"),
        previous: digestFor("one"),
      });
    });

    test("is not removed while it has a tag that it may not have, and the answer says which", async () => {
      await given.push("one", { tags: ["v1", "latest"] });
      const before = await given.shown();
      const [v1, latest] = [parseTag("v1"), parseTag("latest")];

      const only = [v1];
      expect(
        await given.metadata.removeManifest(APP, digestFor("one"), 2000, null, only),
      ).toMatchObject({ removed: false, tags: [], others: [latest] });

      expect(await given.shown()).toEqual(before);
      const both = [v1, latest];
      expect(
        await given.metadata.removeManifest(APP, digestFor("one"), 2000, null, both),
      ).toMatchObject({ removed: true });
    });

    test("is removed here only", async () => {
      await given.push("one", { tags: ["v1"] });
      await given.push("one", { tags: ["v1"] }, OTHER);
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);

      expect(await given.metadata.findManifest(OTHER, parseTag("v1"))).not.toBeNull();
    });

    test("is not removed while an index of the repository names it, and the answer says which", async () => {
      await given.push("one", { tags: ["v1"] });
      await given.push("index", { tags: ["v2"], needs: [child("one")] });
      const before = await given.shown();

      expect(await given.metadata.removeManifest(APP, digestFor("one"), 2000)).toMatchObject({
        removed: false,
        neededBy: [digestFor("index")],
      });

      expect(await given.shown()).toEqual(before);
    });

    test("can be removed once the index is gone, and be pushed again", async () => {
      await given.push("one");
      await given.push("index", { needs: [child("one")] });
      await given.metadata.removeManifest(APP, digestFor("index"), 2000);
      expect(await given.metadata.removeManifest(APP, digestFor("one"), 2000)).toMatchObject({
        removed: true,
      });

      expect(await given.push("one", { tags: ["v1"] })).toEqual([]);
      expect(await given.metadata.findManifest(APP, parseTag("v1"))).not.toBeNull();
    });
  });

  describe("a tag", () => {
    test("that is moved names the new manifest, and the tree learns what it named before", async () => {
      await given.push("one", { tags: ["v1"], at: 1000 });
      await given.push("two", { tags: ["v1"], at: 2000 });

      expect(await given.metadata.listTags(APP, ALL)).toEqual([
        { tag: parseTag("v1"), digest: digestFor("two"), pushedAt: 2000 },
      ]);
      expect(await given.metadata.tagsOf(APP, digestFor("one"))).toEqual([]);
      expect((await given.journal()).at(-1)).toEqual({
        op: "set-tag",
        name: APP,
        tag: parseTag("v1"),
        digest: digestFor("two"),
        previous: digestFor("one"),
      });
    });

    test("that is pushed again unchanged has the time of the last push", async () => {
      await given.push("one", { tags: ["v1"], at: 1000 });
      await given.push("one", { tags: ["v1"], at: 2000 });

      expect(await given.metadata.listTags(APP, ALL)).toMatchObject([{ pushedAt: 2000 }]);
    });

    test("that is removed is gone, and its manifest stays", async () => {
      await given.push("one", { tags: ["v1", "v2"] });

      expect(await given.metadata.removeTag(APP, parseTag("v1"), 2000)).toEqual({
        digest: digestFor("one"),
      });

      expect(await given.metadata.findManifest(APP, parseTag("v1"))).toBeNull();
      expect(await given.metadata.findManifest(APP, digestFor("one"))).not.toBeNull();
      expect(await given.metadata.tagsOf(APP, digestFor("one"))).toEqual([parseTag("v2")]);
      expect((await given.journal()).at(-1)).toEqual({
        op: "remove-tag",
        name: APP,
        tag: parseTag("v1"),
        previous: digestFor("one"),
      });
    });

    test("is known by its exact letters", async () => {
      await given.push("one", { tags: ["V1"] });
      await given.push("two", { tags: ["v1"] });

      expect((await given.metadata.findManifest(APP, parseTag("V1")))?.digest).toBe(
        digestFor("one"),
      );
      expect((await given.metadata.findManifest(APP, parseTag("v1")))?.digest).toBe(
        digestFor("two"),
      );
    });
  });
}
