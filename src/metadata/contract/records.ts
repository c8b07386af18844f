import { describe, expect, test } from "bun:test";
import { parseTag } from "../../oci/reference.ts";
import type { RepositoryChanges } from "../metadata.ts";
import {
  ALL,
  APP,
  type Given,
  OTHER,
  blobOf,
  bytesOf,
  digestFor,
  everything,
  layer,
  snapshotOf,
} from "./fixtures.ts";

const NO_CHANGES: RepositoryChanges = {
  blobs: { added: 0, removed: 0 },
  manifests: { added: 0, removed: [] },
  tags: { added: 0, moved: [], removed: [] },
};

/** What is kept beside the content, and what is read from a tree. */
export function records(given: Given): void {
  describe("nothing", () => {
    test("is null, false or an empty list to every read", async () => {
      expect(await given.metadata.findManifest(APP, digestFor("x"))).toBeNull();
      expect(await given.metadata.findManifest(APP, parseTag("x"))).toBeNull();
      expect(await given.metadata.findBlob(APP, digestFor("x"))).toBeNull();
      expect(await given.metadata.hasRepository(APP)).toBe(false);
      expect(await given.metadata.knownRepository(APP)).toBeNull();
      expect(await given.metadata.listTags(APP, ALL)).toBeNull();
      expect(await given.metadata.listTagNames(APP, ALL)).toBeNull();
      expect(await given.metadata.listRepositories(ALL)).toEqual([]);
      expect(await given.metadata.listReferrers(APP, digestFor("x"), null, ALL)).toEqual([]);
      expect(await given.metadata.tagsOf(APP, digestFor("x"))).toEqual([]);
      expect(await given.metadata.referencesOf(APP, digestFor("x"))).toEqual([]);
      expect(await given.metadata.readContent(digestFor("x"))).toBeNull();
      expect(await given.metadata.listUploads()).toEqual([]);
      expect(await given.metadata.readJournal(10)).toEqual([]);
      expect(await given.metadata.getSetting("x")).toBeNull();
    });

    test("can be removed without a change", async () => {
      const before = await given.shown();

      expect(await given.metadata.removeTag(APP, parseTag("x"), 2000)).toBeNull();
      expect(await given.metadata.unlinkBlob(APP, digestFor("x"), 2000)).toMatchObject({
        removed: false,
        neededBy: [],
      });
      expect(await given.metadata.removeManifest(APP, digestFor("x"), 2000)).toMatchObject({
        removed: false,
        neededBy: [],
      });
      await given.metadata.removeUpload("x");
      await given.metadata.retireJournal(5);

      expect(await given.shown()).toEqual(before);
    });
  });

  describe("the journal", () => {
    test("is read from its oldest entry on, as many as asked for", async () => {
      for (const word of ["one", "two", "config"]) await given.link(word);

      const all = await given.metadata.readJournal(10);
      const ids = all.map(({ id }) => id);

      expect(all).toHaveLength(3);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      expect(await given.metadata.readJournal(2)).toEqual(all.slice(0, 2));
    });

    test("forgets up to and including an entry, and never uses an id again", async () => {
      for (const word of ["one", "two", "config"]) await given.link(word);
      const [first, second, third] = await given.metadata.readJournal(10);

      await given.metadata.retireJournal(second?.id ?? 0);
      expect(await given.metadata.readJournal(10)).toEqual(third ? [third] : []);
      await given.metadata.retireJournal(third?.id ?? 0);
      await given.link("layer");

      const [next] = await given.metadata.readJournal(10);
      expect(next?.id).toBeGreaterThan(third?.id ?? 0);
      expect(first?.id).toBeLessThan(second?.id ?? 0);
    });
  });

  describe("the journal of a repository whose folders cannot be written", () => {
    test("is kept while that of the others is forgotten, and can be read past", async () => {
      await given.link("one");
      await given.metadata.linkBlob(OTHER, blobOf("two"), 1, bytesOf("two"));
      await given.link("config");
      const [first, ...others] = await given.metadata.readJournal(10);
      const last = others.at(-1)?.id ?? 0;

      await given.metadata.retireJournal(last, [OTHER]);

      const kept = await given.metadata.readJournal(10);
      expect(kept.map(({ entry }) => entry.name)).toEqual(kept.map(() => OTHER));
      expect(kept.length).toBeGreaterThan(0);
      // The bytes that only the database has are kept with their entry.
      expect(await given.metadata.readContent(blobOf("two").digest)).toEqual(bytesOf("two"));
      expect(first?.id).toBeLessThan(kept[0]?.id ?? 0);
      expect(await given.metadata.readJournal(10, kept.at(-1)?.id)).toEqual([]);

      await given.metadata.retireJournal(last);
      expect(await given.metadata.readJournal(10)).toEqual([]);
      expect(await given.metadata.readContent(blobOf("two").digest)).toBeNull();
    });

    test("keeps the bytes that it needs, whoever brought them last, and took them back", async () => {
      await given.metadata.linkBlob(OTHER, blobOf("two"), 1, bytesOf("two"));
      await given.metadata.linkBlob(APP, blobOf("two"), 1, bytesOf("two"));
      await given.metadata.unlinkBlob(APP, digestFor("two"), 2000);
      const last = (await given.metadata.readJournal(10)).at(-1)?.id ?? 0;

      await given.metadata.retireJournal(last, [OTHER]);
      expect(await given.metadata.readContent(digestFor("two"))).toEqual(bytesOf("two"));

      await given.metadata.retireJournal(last);
      expect(await given.metadata.readContent(digestFor("two"))).toBeNull();
    });
  });

  describe("uploads and settings", () => {
    test("an upload is listed until it is removed; saving it again is the same", async () => {
      const upload = { id: "abc", name: APP, startedAt: 5, owner: null };
      await given.metadata.saveUpload(upload);
      await given.metadata.saveUpload(upload);
      expect(await given.metadata.listUploads()).toEqual([upload]);

      await given.metadata.removeUpload("abc");

      expect(await given.metadata.listUploads()).toEqual([]);
    });

    test("an upload is whose it was saved for, also after a restart", async () => {
      const uploads = ["ann", null].map((owner) => {
        return { id: `of ${owner}`, name: APP, startedAt: 5, owner };
      });
      for (const upload of uploads) await given.metadata.saveUpload(upload);

      await given.metadata.close();
      given.metadata = await given.open();

      const listed = await given.metadata.listUploads();
      expect(listed.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(uploads);
    });

    test("a setting has its last value", async () => {
      await given.metadata.setSetting("key", "one");
      await given.metadata.setSetting("key", "two");

      expect(await given.metadata.getSetting("key")).toBe("two");
    });
  });

  describe("a repository that is read from its tree", () => {
    test("is what the tree says, and the tree is told nothing", async () => {
      await given.metadata.replaceRepository(snapshotOf(APP, ["layer"], { one: "v1" }));

      expect(await given.metadata.findBlob(APP, digestFor("layer"))).toMatchObject(blobOf("layer"));
      expect((await given.metadata.findManifest(APP, parseTag("v1")))?.bytes).toEqual(
        bytesOf("one"),
      );
      expect(await given.metadata.listTags(APP, ALL)).toEqual([
        { tag: parseTag("v1"), digest: digestFor("one"), pushedAt: 600 },
      ]);
      expect(await given.metadata.referencesOf(APP, digestFor("one"))).toEqual([
        { role: "layer", ...blobOf("layer") },
      ]);
      expect(await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000)).toMatchObject({
        neededBy: [digestFor("one")],
      });
      expect(await given.journal()).toEqual([]);
    });

    test("loses all that was known before, and the others lose nothing", async () => {
      for (const name of [APP, OTHER]) {
        await given.link("config", name);
        await given.push("two", { tags: ["old"], needs: [layer("config")], subject: "one" }, name);
      }
      const before = await everything(given.metadata, [OTHER]);

      await given.metadata.replaceRepository(snapshotOf(APP, ["layer"], { one: "v1" }));

      expect(await given.metadata.listTagNames(APP, ALL)).toEqual([parseTag("v1")]);
      expect(await given.metadata.findBlob(APP, digestFor("config"))).toBeNull();
      expect(await given.metadata.findManifest(APP, digestFor("two"))).toBeNull();
      expect(await given.metadata.listReferrers(APP, digestFor("one"), null, ALL)).toEqual([]);
      expect(await everything(given.metadata, [OTHER])).toEqual(before);
    });

    test("that says what is known already changes nothing, whenever the tree was written", async () => {
      await given.link("layer");
      await given.push("one", { tags: ["v1"], needs: [layer("layer")], at: 50 });
      const before = await given.shown();

      const changes = await given.metadata.replaceRepository(
        snapshotOf(APP, ["layer"], { one: "v1" }),
      );

      expect(changes).toEqual(NO_CHANGES);
      expect(await given.shown()).toEqual(before);
    });

    test("says what it has changed", async () => {
      for (const word of ["layer", "config"]) await given.link(word);
      await given.push("one", { tags: ["v1", "same", "gone"] });
      await given.push("two", { tags: ["v2"] });
      const { manifests, tags, ...rest } = snapshotOf(APP, ["layer", "small"], {
        one: "same",
        index: "v1",
      });
      const added = { tag: parseTag("new"), digest: digestFor("one"), pushedAt: 1 };

      const changes = await given.metadata.replaceRepository({
        ...rest,
        manifests,
        tags: [...tags, added],
      });

      expect(changes).toEqual({
        blobs: { added: 1, removed: 1 },
        manifests: { added: 1, removed: [digestFor("two")] },
        tags: {
          added: 1,
          moved: [{ tag: parseTag("v1"), from: digestFor("one"), to: digestFor("index") }],
          removed: [
            { tag: parseTag("gone"), digest: digestFor("one") },
            { tag: parseTag("v2"), digest: digestFor("two") },
          ],
        },
      });
    });

    test("leaves what it is told to keep, as far as that is known", async () => {
      for (const word of ["layer", "config"]) await given.link(word);
      await given.push("one", { tags: ["v1", "gone"] });
      await given.push("two", {});
      const keep = {
        blobs: new Set([digestFor("layer"), digestFor("small")]),
        manifests: new Set([digestFor("two")]),
        tags: new Set([parseTag("v1"), parseTag("never")]),
      };

      await given.metadata.replaceRepository({ ...snapshotOf(APP, [], {}), keep });

      expect(await given.metadata.knownRepository(APP)).toEqual({
        blobs: new Map([[digestFor("layer"), blobOf("layer").size]]),
        // The one is kept by its name, the other by a tag that is.
        manifests: new Map(
          ["one", "two"].map((word) => [digestFor(word), bytesOf(word).length] as const),
        ),
        tags: new Map([[parseTag("v1"), digestFor("one")]]),
        unreadable: [],
        hides: false,
        mentions: [],
      });
    });

    test("leaves everything when it is told to keep all", async () => {
      await given.link("layer");
      await given.push("one", { tags: ["v1"], needs: [layer("layer")] });
      const before = await given.shown();
      const keep = { blobs: "all", manifests: "all", tags: "all" } as const;

      const empty = { ...snapshotOf(APP, [], {}), keep, gone: true };
      const changes = await given.metadata.replaceRepository(empty);

      expect(changes).toEqual(NO_CHANGES);
      expect(await given.shown()).toEqual(before);
    });

    test("brings back to the tree what that has lost, if it is known", async () => {
      await given.push("one", { tags: ["v1"] });
      const last = (await given.metadata.readJournal(10)).at(-1);
      await given.metadata.retireJournal(last?.id ?? 0);
      const keep = { blobs: "all", manifests: "all", tags: "all" } as const;
      const lost = [digestFor("one"), digestFor("two")];

      await given.metadata.replaceRepository({ ...snapshotOf(APP, [], {}), keep, lost });

      expect(await given.journal()).toEqual([
        { op: "put-manifest", name: APP, digest: digestFor("one") },
      ]);
    });

    test("that is gone loses its name too, and can come again", async () => {
      await given.link("layer");
      await given.push("one", { tags: ["v1"] });

      await given.metadata.replaceRepository({ ...snapshotOf(APP, [], {}), gone: true });

      expect(await given.metadata.hasRepository(APP)).toBe(false);
      expect(await given.metadata.knownRepository(APP)).toBeNull();
      expect(await given.metadata.listRepositories(ALL)).toEqual([]);
      await given.push("two", { tags: ["v1"] });
      expect(await given.metadata.listTagNames(APP, ALL)).toEqual([parseTag("v1")]);
      expect(await given.metadata.findManifest(APP, digestFor("one"))).toBeNull();
    });

    test("does not change a size that is known from elsewhere unless it is sure of it", async () => {
      await given.link("layer", OTHER);
      const { blobs, ...rest } = snapshotOf(APP, ["layer"], {});
      const short = blobs.map((one) => ({ ...one, size: 1 }));
      const unsure = short.map((one) => ({ ...one, unconfirmed: true }));

      await given.metadata.replaceRepository({ ...rest, blobs: unsure });
      expect(await given.metadata.findBlob(OTHER, digestFor("layer"))).toMatchObject(
        blobOf("layer"),
      );

      await given.metadata.replaceRepository({ ...rest, blobs: short });
      expect((await given.metadata.findBlob(OTHER, digestFor("layer")))?.size).toBe(1);
    });

    test("may be empty", async () => {
      await given.push("one", { tags: ["v1"] });

      await given.metadata.replaceRepository(snapshotOf(APP, [], {}));

      expect((await given.metadata.listTags(APP, ALL)) ?? []).toEqual([]);
      expect(await given.metadata.findManifest(APP, digestFor("one"))).toBeNull();
    });
  });
}
