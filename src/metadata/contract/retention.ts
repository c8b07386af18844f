import { describe, expect, test } from "bun:test";
import { APP, type Given, OTHER, child, digestFor, layer, snapshotOf } from "./fixtures.ts";

/** Pull times, build times, and what retention reads. */
export function retention(given: Given): void {
  const pull = async (word: string, at: number, name = APP): Promise<void> =>
    await given.metadata.recordPulls([{ name, digest: digestFor(word), at }]);
  const pulled = async (name = APP): Promise<unknown> =>
    Object.fromEntries((await given.metadata.retentionRecordsOf(name))?.pulled ?? []);

  describe("pulls", () => {
    test("are known each by their last time, which never goes back", async () => {
      await given.push("one", { tags: ["v1"] });
      await given.push("two");
      expect(await pulled()).toEqual({});

      for (const at of [3000, 2000]) await pull("one", at);
      expect(await pulled()).toEqual({ [digestFor("one")]: 3000 });

      await pull("one", 4000);
      await pull("two", 1000);
      expect(await pulled()).toEqual({ [digestFor("one")]: 4000, [digestFor("two")]: 1000 });
    });

    test("are apart from what was seen", async () => {
      await given.push("one", { at: 1000 });
      await given.metadata.see([
        { kind: "manifest", name: APP, digest: digestFor("one"), at: 5000 },
      ]);
      expect(await pulled()).toEqual({});

      await pull("one", 9000);
      expect((await given.metadata.findManifest(APP, digestFor("one")))?.seenAt).toBe(5000);
    });

    test("of what is not there are none, and do no harm to others", async () => {
      await given.push("one");
      await given.metadata.recordPulls([
        { name: APP, digest: digestFor("two"), at: 1 },
        { name: OTHER, digest: digestFor("one"), at: 2 },
        { name: APP, digest: digestFor("one"), at: 3 },
      ]);
      expect(await pulled()).toEqual({ [digestFor("one")]: 3 });
      expect(await given.metadata.hasRepository(OTHER)).toBe(false);
    });

    test("belong to one repository", async () => {
      await given.push("one");
      await given.push("one", {}, OTHER);
      await pull("one", 5000, OTHER);
      expect(await pulled()).toEqual({});
      expect(await pulled(OTHER)).toEqual({ [digestFor("one")]: 5000 });
    });

    test("stay when the manifest is pushed again, and when the tree is read again", async () => {
      await given.push("one", { tags: ["v1"] });
      await pull("one", 5000);
      await given.push("one", { tags: ["v2"], at: 6000 });
      expect(await pulled()).toEqual({ [digestFor("one")]: 5000 });

      await given.metadata.replaceRepository(snapshotOf(APP, [], { one: "v1", two: "v2" }));
      expect(await pulled()).toEqual({ [digestFor("one")]: 5000 });
    });

    test("come back with a manifest that was removed, as long as it lies in the trash", async () => {
      await given.push("one");
      await pull("one", 5000);
      await given.metadata.removeManifest(APP, digestFor("one"), 6000);
      await given.push("one", {}, OTHER);
      expect(await pulled(OTHER)).toEqual({});
      await given.push("one", { at: 7000 });
      expect(await pulled()).toEqual({ [digestFor("one")]: 5000 });

      await given.metadata.removeManifest(APP, digestFor("one"), 8000);
      const ids = (await given.metadata.listTrash({ limit: 100 })).map(({ id }) => id);
      await given.metadata.removeTrash(ids);
      await given.push("one", { at: 9000 });
      expect(await pulled()).toEqual({});
    });
  });

  describe("when images were built", () => {
    test("is known when it was said, also that they do not say", async () => {
      for (const word of ["config", "other", "third"]) await given.link(word);
      const configs = ["config", "other", "third", "absent"].map(digestFor);
      expect(await given.metadata.builtOf(configs)).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);

      await given.metadata.recordBuilt([
        { digest: digestFor("config"), builtAt: 0 },
        { digest: digestFor("other"), builtAt: null },
        { digest: digestFor("absent"), builtAt: 1 },
      ]);
      expect(await given.metadata.builtOf(configs)).toEqual([0, null, undefined, undefined]);
    });
  });

  describe("what stands above a manifest", () => {
    test("is all that names it, and subjects, with their configs; circles have an end", async () => {
      await given.link("config");
      const config = { ...layer("config"), role: "config" as const };
      await given.push("one", { needs: [config], subject: "two" });
      await given.push("index", { needs: [child("one")] });
      await given.push("two", { subject: "one" });
      await given.push("small");

      const above = await given.metadata.lineageOf(APP, digestFor("one"));
      const configs = new Map(above.map((one) => [one.digest, one.config]));
      expect(configs).toEqual(
        new Map([
          [digestFor("one"), digestFor("config")],
          [digestFor("index"), null],
          [digestFor("two"), null],
        ]),
      );
      expect(await given.metadata.lineageOf(APP, digestFor("index"))).toEqual([
        { digest: digestFor("index"), config: null },
      ]);
      expect(await given.metadata.lineageOf(OTHER, digestFor("one"))).toHaveLength(1);
    });
  });

  describe("what retention reads of a repository", () => {
    test("is what collections read, and notes of when something was made", async () => {
      await given.link("layer");
      const created = { "org.opencontainers.image.created": "2026-01-02T03:04:05Z" };
      await given.push("one", { needs: [layer("layer")], tags: ["v1"], annotations: created });
      await given.push("index", { needs: [child("one")], annotations: { other: "x" } });
      await given.push("two");

      const records = await given.metadata.retentionRecordsOf(APP);
      expect(records).toMatchObject({ ...(await given.metadata.recordsOf(APP)) });
      expect(Object.fromEntries(records?.createdNotes ?? [])).toEqual({
        [digestFor("one")]: "2026-01-02T03:04:05Z",
      });
    });

    test("is null where there is none", async () => {
      expect(await given.metadata.retentionRecordsOf(APP)).toBeNull();
    });
  });
}
