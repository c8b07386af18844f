import { describe, expect, test } from "bun:test";
import { OCI_IMAGE } from "../../oci/media-types.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";
import type { Page } from "../metadata.ts";
import { ALL, APP, type Given, OTHER, blobOf, bytesOf, digestFor } from "./fixtures.ts";

/** Tags, repositories and referrers, page by page. */
export function listings(given: Given): void {
  describe("a listing", () => {
    /** In ASCII order: digits, capitals, _, small letters. */
    const ORDERED = ["0", "10", "9", "A", "Z", "_", "a", "a-", "a.", "a0", "aa", "b"];

    async function pages<T>(
      read: (page: Page) => Promise<readonly T[]>,
      cursor: (item: T) => string,
      limit: number,
    ) {
      const items: T[] = [];
      for (let last: string | null = null; ;) {
        const page = await read({ last, limit });
        expect(page.length).toBeLessThanOrEqual(limit);
        items.push(...page);
        const end = page.at(-1);
        if (end === undefined) return items;
        last = cursor(end);
      }
    }

    test.each([1, 2, 5, 12, 100])("of tags by %d has each once, in ASCII order", async (limit) => {
      await given.push("one", { tags: ORDERED.toReversed() });

      const tags = await pages(
        async (page) => (await given.metadata.listTags(APP, page)) ?? [],
        ({ tag }) => tag,
        limit,
      );
      const names = await pages(
        async (page) => (await given.metadata.listTagNames(APP, page)) ?? [],
        String,
        limit,
      );

      expect(tags.map(({ tag }): string => tag)).toEqual(ORDERED);
      expect(names.map(String)).toEqual(ORDERED);
      expect((await given.metadata.tagsOf(APP, digestFor("one"))).map(String)).toEqual(ORDERED);
    });

    test("of tags begins behind one that is not there", async () => {
      await given.push("one", { tags: ["a", "c"] });

      expect(await given.metadata.listTagNames(APP, { last: "b", limit: 5 })).toEqual([
        parseTag("c"),
      ]);
      expect(await given.metadata.listTagNames(APP, { last: "z", limit: 5 })).toEqual([]);
      expect(await given.metadata.listTagNames(APP, { last: "a", limit: 0 })).toEqual([]);
    });

    test.each([1, 2, 5, 100])(
      "of manifests and of blobs by %d has each once, in the order of digests",
      async (limit) => {
        const words = Array.from({ length: 7 }, (_, at) => `word ${at}`);
        for (const word of words) {
          await given.link(word);
          await given.push(word);
        }
        await given.link("of another", OTHER);
        await given.push("of another", {}, OTHER);

        const manifests = await pages(
          async (page) => await given.metadata.listManifests(APP, page),
          ({ digest }) => digest,
          limit,
        );
        const blobs = await pages(
          async (page) => await given.metadata.listBlobs(APP, page),
          ({ digest }) => digest,
          limit,
        );

        const pushed = manifests.filter(({ digest }) => words.map(digestFor).includes(digest));
        expect(pushed.map(({ digest }) => digest)).toEqual(words.map(digestFor).toSorted());
        for (const { digest, bytes, mediaType } of manifests) {
          expect(await given.metadata.findManifest(APP, digest)).toMatchObject({
            digest,
            bytes,
            mediaType,
          });
        }
        for (const { digest, size } of blobs) {
          expect(await given.metadata.findBlob(APP, digest)).toMatchObject({ digest, size });
        }
        expect(blobs.map(({ digest }) => digest)).toEqual(
          words.map((word) => blobOf(word).digest).toSorted(),
        );
      },
    );

    test.each([1, 2, 5, 100])(
      "of repositories by %d has each once, in ASCII order",
      async (limit) => {
        const names = ["a", "a/b", "a-b", "a.b", "a0", "b", "b/c/d", "0"];
        await Promise.all(names.map(async (one) => await given.link("layer", parseName(one))));

        const listed = await pages(
          async (page) => await given.metadata.listRepositories(page),
          String,
          limit,
        );

        expect(listed.map(String)).toEqual(["0", "a", "a-b", "a.b", "a/b", "a0", "b", "b/c/d"]);
      },
    );

    test.each([1, 2, 5, 100])(
      "of referrers by %d has each once, in the order of digests",
      async (limit) => {
        const words = Array.from({ length: 7 }, (_, at) => `referrer ${at}`);
        for (const word of words) await given.push(word, { subject: "one" });
        await given.push("of another", { subject: "two" });
        await given.push("elsewhere", { subject: "one" }, OTHER);

        const found = await pages(
          async (page) => await given.metadata.listReferrers(APP, digestFor("one"), null, page),
          ({ digest }) => digest,
          limit,
        );

        expect(found.map(({ digest }) => digest)).toEqual(words.map(digestFor).toSorted());
      },
    );

    test("of referrers shows what each is, also when the subject is not there", async () => {
      const annotations = { "org.example": "é <b>", __proto__x: "1" };
      await given.push("signature", { subject: "one", artifactType: "x/sig", annotations });

      expect(await given.metadata.listReferrers(APP, digestFor("one"), null, ALL)).toEqual([
        {
          digest: digestFor("signature"),
          mediaType: OCI_IMAGE,
          size: bytesOf("signature").length,
          artifactType: "x/sig",
          annotations,
        },
      ]);
    });

    test("of referrers can be of one type only, page by page too", async () => {
      const sboms = ["sbom 1", "sbom 2", "sbom 3"];
      for (const word of sboms) await given.push(word, { subject: "one", artifactType: "x/sbom" });
      for (const word of ["sig 1", "sig 2"])
        await given.push(word, { subject: "one", artifactType: "x/sig" });
      await given.push("untyped", { subject: "one" });

      const found = await pages(
        async (page) => await given.metadata.listReferrers(APP, digestFor("one"), "x/sbom", page),
        ({ digest }) => digest,
        1,
      );

      expect(found.map(({ digest }) => digest)).toEqual(sboms.map(digestFor).toSorted());
      expect(await given.metadata.listReferrers(APP, digestFor("one"), "x", ALL)).toEqual([]);
    });

    test("of referrers loses those that were removed", async () => {
      await given.push("signature", { subject: "one" });
      await given.metadata.removeManifest(APP, digestFor("signature"), 2000);

      expect(await given.metadata.listReferrers(APP, digestFor("one"), null, ALL)).toEqual([]);
    });
  });
}
