import { describe, expect, test } from "bun:test";
import { parseName } from "../../oci/name.ts";
import { ALL, APP, type Given, OTHER, blobOf, bytesOf, digestFor, layer } from "./fixtures.ts";

/** Linking, mounting and unlinking. */
export function blobs(given: Given): void {
  describe("a blob", () => {
    test("that was linked is there, with its size, and its repository with it", async () => {
      await given.link("layer");

      expect(await given.metadata.findBlob(APP, digestFor("layer"))).toMatchObject(blobOf("layer"));
      expect(await given.metadata.hasRepository(APP)).toBe(true);
      expect(await given.metadata.listTags(APP, ALL)).toEqual([]);
    });

    test("is not there for another repository", async () => {
      await given.link("layer");

      expect(await given.metadata.findBlob(OTHER, digestFor("layer"))).toBeNull();
      expect(await given.metadata.hasRepository(OTHER)).toBe(false);
    });

    test("is a link in the tree once, however often it is linked", async () => {
      await given.link("layer");
      await given.metadata.linkBlob(APP, blobOf("layer"), 2000, null);
      await given.metadata.mountBlob(APP, digestFor("layer"), APP, 3000);

      expect(await given.journal()).toEqual([
        { op: "link-layer", name: APP, digest: digestFor("layer") },
      ]);
    });

    test("that is larger than any number of 32 bits keeps its size", async () => {
      const huge = { digest: digestFor("huge"), size: 2 ** 45 + 1 };
      await given.metadata.linkBlob(APP, huge, 1000, null);

      expect(await given.metadata.findBlob(APP, huge.digest)).toMatchObject(huge);
    });

    test("can be unlinked: the link goes, here only, and the tree is told", async () => {
      await given.link("layer");
      await given.link("layer", OTHER);

      expect(await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000)).toEqual({
        removed: true,
        neededBy: [],
      });

      expect(await given.metadata.findBlob(APP, digestFor("layer"))).toBeNull();
      expect(await given.metadata.findBlob(OTHER, digestFor("layer"))).toMatchObject(
        blobOf("layer"),
      );
      expect((await given.journal()).at(-1)).toEqual({
        op: "unlink-layer",
        name: APP,
        digest: digestFor("layer"),
      });
    });

    test("is not unlinked while a manifest of the repository names it, and the answer says which", async () => {
      await given.link("layer");
      await given.push("one", { needs: [layer("layer")] });
      await given.push("two", { needs: [layer("layer")] });
      const before = await given.shown();

      const { removed, neededBy } = await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000);

      expect(removed).toBe(false);
      expect(neededBy.toSorted()).toEqual([digestFor("one"), digestFor("two")].toSorted());
      expect(await given.shown()).toEqual(before);
    });

    test("is unlinked although a manifest of another repository names it", async () => {
      await given.link("layer");
      await given.link("layer", OTHER);
      await given.push("one", { needs: [layer("layer")] }, OTHER);

      expect(await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000)).toMatchObject({
        removed: true,
      });
    });

    test("can be unlinked again once the manifest that named it is gone", async () => {
      await given.link("layer");
      await given.push("one", { needs: [layer("layer")] });
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);

      expect(await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000)).toMatchObject({
        removed: true,
      });
    });
  });

  describe("a mounted blob", () => {
    test("comes from the repository that is named", async () => {
      await given.link("layer");

      expect(await given.metadata.mountBlob(OTHER, digestFor("layer"), APP, 2000)).toEqual(
        blobOf("layer"),
      );

      expect(await given.metadata.findBlob(OTHER, digestFor("layer"))).toMatchObject(
        blobOf("layer"),
      );
      expect((await given.journal()).at(-1)).toEqual({
        op: "link-layer",
        name: OTHER,
        digest: digestFor("layer"),
      });
    });

    test("comes from any repository when none is named", async () => {
      await given.link("layer");

      expect(await given.metadata.mountBlob(OTHER, digestFor("layer"), null, 2000)).toEqual(
        blobOf("layer"),
      );
    });

    test.each([
      ["the repository that is named does not have it", parseName("team/third")],
      ["no repository has it any more", null],
    ])("is null, and changes nothing, when %s", async (_, from) => {
      await given.link("layer");
      if (from === null) await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000);
      const before = await given.shown();

      expect(await given.metadata.mountBlob(OTHER, digestFor("layer"), from, 2000)).toBeNull();

      expect(await given.shown()).toEqual(before);
      expect(await given.metadata.hasRepository(OTHER)).toBe(false);
    });

    test("stays when the one that it came from goes", async () => {
      await given.link("layer");
      await given.metadata.mountBlob(OTHER, digestFor("layer"), APP, 2000);
      await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000);

      expect(await given.metadata.findBlob(OTHER, digestFor("layer"))).toMatchObject(
        blobOf("layer"),
      );
    });
  });

  describe("a small blob that comes with its bytes", () => {
    const linkSmall = async (to = APP): Promise<unknown> =>
      await given.metadata.linkBlob(to, blobOf("small"), 1000, bytesOf("small"));
    const lastEntry = async (): Promise<number> =>
      (await given.metadata.readJournal(1000)).at(-1)?.id ?? 0;

    test("has them until the tree has followed", async () => {
      await linkSmall();
      expect(await given.metadata.readContent(digestFor("small"))).toEqual(bytesOf("small"));

      await given.metadata.retireJournal(await lastEntry());

      expect(await given.metadata.readContent(digestFor("small"))).toBeNull();
      expect(await given.metadata.findBlob(APP, digestFor("small"))).toMatchObject(blobOf("small"));
    });

    test("has an entry in the journal that brings them, also when the link was there before", async () => {
      await given.link("small");
      await given.metadata.retireJournal(await lastEntry());

      await linkSmall();

      expect(await given.metadata.readContent(digestFor("small"))).toEqual(bytesOf("small"));
      expect(await given.journal()).toContainEqual({
        op: "link-layer",
        name: APP,
        digest: digestFor("small"),
      });
    });

    test("keeps them when another repository brought them too, later than the tree has followed", async () => {
      await linkSmall();
      const first = await lastEntry();
      await linkSmall(OTHER);

      await given.metadata.retireJournal(first);

      expect(await given.metadata.readContent(digestFor("small"))).toEqual(bytesOf("small"));
    });

    test("may be empty", async () => {
      await given.metadata.linkBlob(APP, blobOf(""), 1000, bytesOf(""));

      expect(await given.metadata.readContent(digestFor(""))).toEqual(bytesOf(""));
    });

    test("has none when it came without", async () => {
      await given.link("layer");

      expect(await given.metadata.readContent(digestFor("layer"))).toBeNull();
    });
  });
}
