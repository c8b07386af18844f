import { describe, expect, test } from "bun:test";
import { OCI_IMAGE } from "../../oci/media-types.ts";
import { parseTag } from "../../oci/reference.ts";
import type { TrashRecord } from "../collection.ts";
import type { Who } from "../event.ts";
import { POLICY, YOUNG, collectAll, follow, trash } from "./collection-support.ts";
import { APP, type Given, OTHER, bytesOf, child, digestFor, layer } from "./fixtures.ts";

const ANN: Who = {
  at: 1,
  requestId: "one",
  actor: "ann",
  address: "127.0.0.1:1",
  scheme: "http",
  host: "localhost",
  method: "DELETE",
  agent: "test",
};

const A_LINK: Omit<TrashRecord, "id" | "digest"> = {
  run: null,
  kind: "link",
  repository: APP,
  tag: null,
  size: 3,
  mediaType: null,
  bytes: null,
  madeAt: 1000,
  removedAt: 2000,
  reason: "deleted",
  removedBy: null,
};

/** What lies in the trash, whoever removed it; and what is remembered of runs. */
export function collectionTrash(given: Given): void {
  const list = async (): Promise<string[]> => await trash(given.metadata);

  test("gives no id that it was told of, and never goes back", async () => {
    const row = { ...A_LINK, digest: digestFor("one") };
    for (const passed of [17, 5]) await given.metadata.passTrash(passed);
    const [first = 0] = await given.metadata.addTrash([row]);
    await given.metadata.passTrash(3);
    const [second] = await given.metadata.addTrash([row]);

    expect(first).toBeGreaterThan(17);
    expect(second).toBe(first + 1);
  });

  describe("the trash has", () => {
    test("a tag that was moved, and where to; none that stayed", async () => {
      await given.push("one", { tags: ["v1", "v2"] });
      await given.push("two", { tags: ["v1"], at: 3000 });
      await given.push("two", { tags: ["v1"], at: 4000 });

      expect(await list()).toEqual([`tag ${APP}:v1 one (moved to ${digestFor("two")})`]);
      expect(await given.metadata.listTrash({ limit: 1 })).toEqual([
        {
          id: expect.any(Number) as number,
          run: null,
          kind: "tag",
          repository: APP,
          tag: parseTag("v1"),
          digest: digestFor("one"),
          size: 3,
          mediaType: OCI_IMAGE,
          bytes: null,
          madeAt: 1000,
          removedAt: 3000,
          reason: `moved to ${digestFor("two")}`,
          removedBy: null,
        },
      ]);
    });

    test("a tag that was removed", async () => {
      await given.push("one", { tags: ["v1"] });
      await given.metadata.removeTag(APP, parseTag("v1"), 2000, ANN);

      expect(await list()).toEqual([`tag ${APP}:v1 one (deleted)`]);
    });

    test("a manifest that was removed, with its bytes, behind all tags on it", async () => {
      await given.push("one", { tags: ["v1", "v2"] });
      await given.metadata.removeManifest(APP, digestFor("one"), 2000, ANN);

      expect(await list()).toEqual([
        `tag ${APP}:v1 one (deleted)`,
        `tag ${APP}:v2 one (deleted)`,
        `manifest ${APP}:- one (deleted)`,
      ]);
      const [manifest] = await given.metadata.listTrash({ kind: "manifest", limit: 1 });
      expect(manifest).toMatchObject({
        bytes: bytesOf("one"),
        mediaType: OCI_IMAGE,
        size: 3,
        madeAt: 1000,
        removedAt: 2000,
      });
    });

    test("a link that was removed", async () => {
      await given.link("layer");
      await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000, ANN);

      expect(await given.metadata.listTrash({ limit: 5 })).toMatchObject([
        { kind: "link", size: 5, madeAt: 1000, removedAt: 2000, reason: "deleted" },
      ]);
    });

    test("the user who removed something, also when nobody is to hear of it", async () => {
      await given.metadata.setListeners(["one"]);
      await given.push("one", { tags: ["v1", "v2", "v3"] });
      const unheard = { ...ANN, unheard: true } as const;
      await given.metadata.removeTag(APP, parseTag("v1"), 2000, unheard);
      await given.metadata.removeTag(APP, parseTag("v2"), 2000, { ...ANN, actor: null });
      await given.metadata.removeTag(APP, parseTag("v3"), 2000);

      const removed = await given.metadata.listTrash({ limit: 5 });
      expect(removed.map(({ removedBy }) => removedBy)).toEqual([null, null, "ann"]);
      const events = await given.metadata.readEvents(0, 10);
      expect(events.map(({ event }) => event.tag)).toEqual([parseTag("v2")]);
    });

    test("nothing of what was refused or was not there", async () => {
      await given.link("layer");
      await given.push("one", { needs: [layer("layer")] });
      await given.push("index", { needs: [child("one")], tags: ["v1"] });

      await given.metadata.unlinkBlob(APP, digestFor("layer"), 2000);
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);
      await given.metadata.removeTag(APP, parseTag("absent"), 2000);
      await given.push("two", { tags: ["v1"], needs: [layer("absent")] });

      expect(await list()).toEqual([]);
    });

    test("what a collection took, with its run: what needs before what is needed, blobs at last", async () => {
      await given.link("layer");
      await given.push("one", { needs: [layer("layer")] });
      await given.push("index", { tags: ["v1"], needs: [child("one")] });
      await given.metadata.removeTag(APP, parseTag("v1"), 2000);
      await collectAll(given, { run: 7 });
      await follow(given.metadata);
      await given.metadata.settle(
        (await given.metadata.claim(10, [], { ...POLICY, run: 7 })).map((one) => ({
          ...one,
          moved: true,
        })),
      );

      const lines = await list();
      expect(lines.slice(0, 4)).toEqual([
        `tag ${APP}:v1 index (deleted)`,
        `manifest ${APP}:- index (untagged since 1970-01-01T00:00:02.000Z)`,
        `manifest ${APP}:- one (no tag names it)`,
        `link ${APP}:- layer (no manifest names it)`,
      ]);
      expect(lines.slice(4).toSorted()).toEqual(
        ["index", "layer", "one"].map((word) => `blob -:- ${word} (no repository has it)`),
      );
      expect((await given.metadata.oldestTrash(100)).map(({ run }) => run)).toEqual([
        null,
        ...Array.from({ length: 6 }, () => 7),
      ]);
    });

    test("what was removed elsewhere", async () => {
      const records: Omit<TrashRecord, "id">[] = [
        {
          run: null,
          kind: "manifest",
          repository: APP,
          tag: null,
          digest: digestFor("one"),
          size: 3,
          mediaType: OCI_IMAGE,
          bytes: bytesOf("one"),
          madeAt: 1000,
          removedAt: 2000,
          reason: "untagged",
          removedBy: "ann",
        },
      ];
      const ids = await given.metadata.addTrash(records);

      expect(await given.metadata.listTrash({ limit: 5 })).toEqual(
        records.map((record, at) => ({ ...record, id: ids[at] ?? 0 })),
      );
    });
  });

  describe("the list of the trash", () => {
    test("has the newest first, page by page", async () => {
      await given.push("one", { tags: ["v1", "v2", "v3"] });
      await given.metadata.removeManifest(APP, digestFor("one"), 2000);

      const [first, second] = await given.metadata.listTrash({ limit: 2 });
      expect([first?.kind, second?.tag]).toEqual(["manifest", parseTag("v3")]);
      const rest = await given.metadata.listTrash({ before: second?.id ?? 0, limit: 5 });
      expect(rest.map(({ tag }) => tag)).toEqual([parseTag("v2"), parseTag("v1")]);
    });

    test("can be of one repository, tag, digest, kind or run, and of several of these", async () => {
      for (const name of [APP, OTHER]) {
        await given.push("one", { tags: ["v1", "v2"] }, name);
        await given.push("two", { tags: ["v1"], at: YOUNG }, name);
        await given.metadata.removeTag(name, parseTag("v2"), 2000);
      }
      await collectAll(given, { run: 3 });
      const count = async (query: object): Promise<number> =>
        (await given.metadata.listTrash({ ...query, limit: 100 })).length;

      expect(await count({})).toBe(6);
      expect(await count({ repository: APP })).toBe(3);
      expect(await count({ repository: APP, tag: parseTag("v1") })).toBe(1);
      expect(await count({ digest: digestFor("one"), kind: "manifest" })).toBe(2);
      expect(await count({ run: 3 })).toBe(2);
      expect(await count({ run: 3, kind: "tag" })).toBe(0);
      expect(await count({ digest: digestFor("two") })).toBe(0);
    });

    test("lacks what was forgotten, and no number is given twice", async () => {
      await given.push("one", { tags: ["v1", "v2"] });
      await given.metadata.removeTag(APP, parseTag("v1"), 2000);
      const [before] = await given.metadata.oldestTrash(10);
      await given.metadata.removeTrash([before?.id ?? 0]);
      expect(await given.metadata.listTrash({ limit: 5 })).toEqual([]);

      await given.metadata.removeTag(APP, parseTag("v2"), 2000);
      const [after] = await given.metadata.oldestTrash(10);
      expect(after?.id).toBeGreaterThan(before?.id ?? 0);
    });
  });

  test("runs are remembered, the newest first, but not for ever", async () => {
    const first = await given.metadata.startRun(1000);
    await given.metadata.endRun(first, 2000, '{"bytes":5}');
    const second = await given.metadata.startRun(3000);

    expect(await given.metadata.listRuns(5)).toEqual([
      { id: second, startedAt: 3000, endedAt: null, report: null },
      { id: first, startedAt: 1000, endedAt: 2000, report: '{"bytes":5}' },
    ]);
    expect(await given.metadata.listRuns(1)).toHaveLength(1);

    for (let at = 0; at < 150; at++) await given.metadata.startRun(at);
    expect(await given.metadata.listRuns(1000)).toHaveLength(100);
  });
}
