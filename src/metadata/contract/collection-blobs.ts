import { describe, expect, test } from "bun:test";
import type { Claim } from "../collection.ts";
import { parseTag } from "../../oci/reference.ts";
import { POLICY, YOUNG, collectAll, follow, item } from "./collection-support.ts";
import {
  APP,
  type Given,
  OTHER,
  blobOf,
  bytesOf,
  digestFor,
  layer,
  snapshotOf,
} from "./fixtures.ts";

/** How a blob leaves, and comes back on the way. */
export function collectionBlobs(given: Given): void {
  /** When the tree has followed. */
  const claim = async (except: readonly string[] = [], limit = 10): Promise<Claim[]> => {
    await follow(given.metadata);
    return await given.metadata.claim(limit, except.map(digestFor), POLICY);
  };
  const settle = async (claims: readonly Claim[], moved = true) =>
    await given.metadata.settle(claims.map((one) => ({ ...one, moved })));
  /** A blob without links, as a deletion leaves it. */
  const doomed = async (word: string): Promise<void> => {
    await given.link(word);
    await given.metadata.unlinkBlob(APP, digestFor(word), 2000);
  };

  describe("a blob leaves", () => {
    test("when its last link was removed, and not before", async () => {
      await given.link("layer");
      await given.link("layer", OTHER);
      await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000);
      expect(await claim()).toEqual([]);

      await given.metadata.unlinkBlob(OTHER, digestFor("layer"), 2000);
      expect(await claim()).toEqual([{ id: expect.any(Number), ...blobOf("layer") }]);
    });

    test("when its last manifest was, in whatever repository, and no link has it", async () => {
      for (const name of [APP, OTHER]) await given.push("one", { tags: ["v1"] }, name);
      await given.link("two");
      await given.push("two");

      await given.metadata.removeManifest(APP, digestFor("one"), 2000);
      await given.metadata.removeManifest(APP, digestFor("two"), 2000);
      expect(await claim()).toEqual([]);

      await given.metadata.removeManifest(OTHER, digestFor("one"), 2000);
      expect(await claim()).toMatchObject([blobOf("one")]);
    });

    test("when the tree of another registry has let go of it", async () => {
      await given.metadata.replaceRepository(snapshotOf(APP, ["layer"], { one: "v1" }));
      await given.metadata.replaceRepository({ ...snapshotOf(APP, [], {}), gone: true });

      expect((await claim()).map(({ digest }) => digest)).toEqual(
        [digestFor("layer"), digestFor("one")].toSorted(),
      );
    });

    test("in steps: claimed once, in the trash from then on, and forgotten when it is settled", async () => {
      await doomed("layer");
      const claims = await claim();
      expect(await claim()).toEqual([]);
      expect(await given.metadata.listClaims()).toEqual(claims);
      expect(await given.metadata.listTrash({ kind: "blob", limit: 10 })).toEqual([
        {
          ...blobOf("layer"),
          id: claims[0]?.id ?? 0,
          run: POLICY.run,
          kind: "blob",
          repository: null,
          tag: null,
          mediaType: null,
          bytes: null,
          madeAt: 1000,
          removedAt: POLICY.now,
          reason: "no repository has it",
          removedBy: null,
        },
      ]);

      expect(await settle(claims)).toEqual(["trashed"]);
      expect(await given.metadata.listClaims()).toEqual([]);
      expect(await given.metadata.sumTrash()).toEqual({ entries: 2, bytes: 5 });
      expect(await settle(claims)).toEqual(["trashed"]);
      expect(await given.metadata.sumTrash()).toEqual({ entries: 2, bytes: 5 });
    });

    test("not while somebody is about to link it, and no more at a time than asked for", async () => {
      for (const word of ["layer", "config", "small"]) await doomed(word);

      expect(await claim(["layer"], 1)).toHaveLength(1);
      expect(await claim(["layer"])).toHaveLength(1);
      expect(await claim()).toMatchObject([blobOf("layer")]);
    });

    test("not before the tree has followed: its file may be about to be written", async () => {
      await given.metadata.linkBlob(APP, blobOf("small"), 1000, bytesOf("small"));
      await given.metadata.unlinkBlob(APP, digestFor("small"), 2000);
      const [first] = await given.metadata.readJournal(1);

      expect(await given.metadata.claim(10, [], POLICY)).toEqual([]);
      await given.metadata.retireJournal(first?.id ?? 0);
      expect(await given.metadata.claim(10, [], POLICY)).toEqual([]);
      expect(await claim()).toMatchObject([blobOf("small")]);
    });

    test("without a row in the trash when there was no file to move", async () => {
      await doomed("layer");

      expect(await settle(await claim(), false)).toEqual(["trashed"]);

      expect(await given.metadata.listTrash({ kind: "blob", limit: 10 })).toEqual([]);
      expect(await given.metadata.listClaims()).toEqual([]);
    });

    test("with its row in the trash, which can neither be freed nor forgotten before it is settled", async () => {
      await doomed("layer");
      const claims = await claim();
      const id = claims[0]?.id ?? 0;

      await given.metadata.removeTrash([id]);
      const kinds = async () => (await given.metadata.oldestTrash(10)).map(({ kind }) => kind);
      expect(await given.metadata.listClaims()).toEqual(claims);
      expect(await kinds()).toEqual(["link"]);

      await settle(claims);
      expect(await kinds()).toEqual(["link", "blob"]);
      await given.metadata.removeTrash([id]);
      expect(await kinds()).toEqual(["link"]);
    });

    test("when nobody has linked it although it is known, or although its file lies in the tree", async () => {
      await given.link("small");
      await given.metadata.doom([blobOf("layer"), blobOf("small")], 5000);

      expect(await claim()).toMatchObject([blobOf("layer")]);
      expect(await given.metadata.listTrash({ kind: "blob", limit: 10 })).toMatchObject([
        { madeAt: 5000 },
      ]);
    });

    test("also after a new start", async () => {
      await doomed("layer");
      await doomed("small");
      const claims = await claim(["small"]);
      await given.metadata.close();
      given.metadata = await given.open();

      expect(await given.metadata.listClaims()).toEqual(claims);
      expect(await settle(claims)).toEqual(["trashed"]);
      expect(await claim()).toMatchObject([blobOf("small")]);
    });
  });

  describe("a blob on its way out", () => {
    test("is live again when it is linked, read from a tree, or pushed as a manifest, as long as it is doomed", async () => {
      for (const word of ["layer", "small", "one", "two"]) await doomed(word);

      await given.link("layer");
      await given.metadata.replaceRepository(snapshotOf(OTHER, ["small"], { two: "v1" }));
      await given.push("one");

      expect(await claim()).toEqual([]);
      expect(await given.metadata.findBlob(APP, digestFor("layer"))).toMatchObject(blobOf("layer"));
    });

    test("can not be linked when it is leaving, and nothing of the attempt stays", async () => {
      await doomed("layer");
      await claim();
      const before = await given.shown();

      const refusal: unknown = await given.link("layer").then(
        () => "it was linked",
        (error: unknown) => error,
      );

      expect(refusal).toMatchObject({ kind: "UNAVAILABLE" });
      expect(await given.shown()).toEqual(before);
      await settle(await given.metadata.listClaims());
      await given.link("layer");
      expect(await given.metadata.findBlob(APP, digestFor("layer"))).toMatchObject(blobOf("layer"));
    });

    test("is not there for a mount", async () => {
      await doomed("layer");

      expect(await given.metadata.mountBlob(OTHER, digestFor("layer"), null, 3000)).toBeNull();
      expect(await given.metadata.mountBlob(OTHER, digestFor("layer"), APP, 3000)).toBeNull();
    });

    test("is returned when it was pushed as a manifest meanwhile", async () => {
      await given.push("one");
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);
      const claims = await claim();
      await given.push("one", { tags: ["v1"], at: YOUNG });

      for (const moved of [true, true, false]) {
        // Until its file is back it is a claim, for a start after a crash to go on with.
        expect(await given.metadata.listClaims()).toEqual(claims);
        expect(await settle(claims, moved)).toEqual(["returned"]);
      }
      expect(await settle(claims, false)).toEqual(["returned"]);

      expect(await given.metadata.listClaims()).toEqual([]);
      expect(await given.metadata.listTrash({ kind: "blob", limit: 10 })).toEqual([]);
      expect(await claim()).toEqual([]);
      expect(await given.metadata.findManifest(APP, parseTag("v1"))).not.toBeNull();
    });

    test("is back, too, when its row in the trash is forgotten then", async () => {
      await given.push("one");
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);
      const claims = await claim();
      await given.push("one", { tags: ["v1"], at: YOUNG });
      await settle(claims);
      await given.metadata.removeTrash(claims.map(({ id }) => id));

      expect(await given.metadata.listClaims()).toEqual([]);
      expect(await given.metadata.listTrash({ kind: "blob", limit: 10 })).toEqual([]);
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);
      expect(await claim()).toMatchObject([blobOf("one")]);
    });

    test("leaves all the same when what wanted it is gone again", async () => {
      await given.push("one");
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);
      const claims = await claim();
      await given.push("one", { tags: ["v1"], at: YOUNG });
      await given.metadata.removeManifest(APP, digestFor("one"), YOUNG);

      expect(await settle(claims)).toEqual(["trashed"]);
      expect(await given.metadata.listClaims()).toEqual([]);
    });

    test("is not ended by an older claim of the same digest", async () => {
      await doomed("layer");
      const first = await claim();
      await settle(first);
      await doomed("layer");
      const second = await claim();

      expect(await settle(first)).toEqual(["trashed"]);

      expect(await given.metadata.listClaims()).toEqual(second);
      expect(await settle(second)).toEqual(["trashed"]);
      expect(await given.metadata.sumTrash()).toMatchObject({ bytes: 10 });
    });
  });

  test("blobs that nobody links are found, so many looks at a time", async () => {
    await given.link("layer");
    await given.push("one");
    const words = Array.from({ length: 10 }, (_, at) => `orphan ${at}`);
    await given.metadata.replaceRepository(snapshotOf(OTHER, words, {}));
    for (const word of words) await given.metadata.unlinkBlob(OTHER, digestFor(word), 2000);
    const claims = await claim([], 4);
    await given.push(words[0] ?? "", {}, OTHER);

    const found: string[] = [];
    let pages = 0;
    for (let last: string | null = null; ; pages++) {
      const { blobs, next } = await given.metadata.listUnlinked({ last, limit: 5 });
      found.push(...blobs.map(({ digest }) => digest));
      if (next === null) break;
      last = next;
    }

    // What is doomed needs no finding.
    expect(found).toEqual([]);
    expect(claims).toHaveLength(4);
    expect(pages).toBe(2);
  });

  test("collected images free what no other image has", async () => {
    for (const word of ["layer", "config", "small"]) await given.link(word);
    await given.push("one", { needs: [layer("layer"), layer("config")] });
    await given.push("two", { tags: ["v1"], needs: [layer("config"), layer("small")] });
    await collectAll(given);
    await given.metadata.collect([item("link", "config")], POLICY);

    expect((await claim()).map(({ digest }) => digest).toSorted()).toEqual(
      [digestFor("layer"), digestFor("one")].toSorted(),
    );
  });
}
