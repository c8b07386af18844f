import { describe, expect, test } from "bun:test";
import { OCI_IMAGE, OCTET_STREAM } from "../../oci/media-types.ts";
import { parseTag } from "../../oci/reference.ts";
import type { Who } from "../event.ts";
import {
  APP,
  type Given,
  OTHER,
  blobOf,
  digestFor,
  layer,
  pushOf,
  snapshotOf,
} from "./fixtures.ts";

const ANN: Who = {
  at: 5000,
  requestId: "a request",
  actor: "ann",
  address: "10.0.0.1",
  scheme: "https",
  host: "registry.example",
  method: "PUT",
  agent: "docker",
};

/** `push one v1`: what happened, to what. */
async function told(given: Given, after = 0): Promise<string[]> {
  const words = ["one", "two", "layer", "config"];
  return (await given.metadata.readEvents(after, 1000)).map(({ event }) => {
    const word = words.find((known) => digestFor(known) === event.digest) ?? null;
    const from = event.from === null ? null : `from ${event.from}`;
    const parts = [event.action, event.kind, word, event.tag, event.name, from];
    return parts.filter((part) => part !== null).join(" ");
  });
}

/** What others are told of a change, and how far they have heard. */
export function events(given: Given): void {
  const push = async (word: string, tags: string[], by: Who | null = ANN): Promise<unknown> =>
    await given.metadata.putManifest(pushOf(APP, word, { tags }), by);

  describe("events", () => {
    test("tell what happened, in the order of the changes, and who did it", async () => {
      const { metadata } = given;
      await metadata.setListeners(["a"]);

      await metadata.linkBlob(APP, blobOf("layer"), 1000, null, ANN);
      await metadata.putManifest(
        pushOf(APP, "one", { tags: ["v1", "v2"], needs: [layer("layer")] }),
        ANN,
      );
      await push("two", []);
      await metadata.mountBlob(OTHER, digestFor("layer"), APP, 1000, ANN);
      await metadata.mountBlob(OTHER, digestFor("layer"), null, 1000, ANN);
      await metadata.removeTag(APP, parseTag("v2"), 2000, ANN);
      await metadata.removeManifest(APP, digestFor("one"), 2000, ANN);
      await metadata.unlinkBlob(APP, digestFor("layer"), 2000, ANN);

      const happened = await told(given);
      expect(happened.toSpliced(5, 1)).toEqual([
        "push blob layer team/app",
        "push manifest one v1 team/app",
        "push manifest one v2 team/app",
        "push manifest two team/app",
        "mount blob layer team/other from team/app",
        "delete tag v2 team/app",
        "delete manifest one team/app",
        "delete tag v1 team/app",
        "delete blob layer team/app",
      ]);
      expect(happened[5]).toMatch(/^mount blob layer team\/other from team\/(?:app|other)$/);
    });

    test("say all that a receiver may ask for", async () => {
      const { metadata } = given;
      await metadata.setListeners(["a"]);
      await metadata.linkBlob(APP, blobOf("layer"), 1000, null, ANN);
      await push("one", ["v1"]);
      await metadata.removeTag(APP, parseTag("v1"), 2000, ANN);

      const [blob, manifest, tag] = await metadata.readEvents(0, 10);

      expect(blob?.event).toEqual({
        action: "push",
        kind: "blob",
        name: APP,
        at: 1000,
        ...blobOf("layer"),
        mediaType: OCTET_STREAM,
        tag: null,
        from: null,
        by: ANN,
      });
      expect(manifest?.event).toMatchObject({
        ...blobOf("one"),
        mediaType: OCI_IMAGE,
        tag: parseTag("v1"),
      });
      expect(tag?.event).toMatchObject({ at: 5000, digest: null, mediaType: null, size: null });
    });

    test("come again when something is pushed again", async () => {
      await given.metadata.setListeners(["a"]);
      for (let time = 0; time < 2; time++) {
        await given.metadata.linkBlob(APP, blobOf("layer"), 1000, null, ANN);
        await push("one", ["v1"]);
      }

      expect(await told(given)).toHaveLength(4);
    });

    test("are none of what did not happen", async () => {
      const { metadata } = given;
      await metadata.setListeners(["a"]);

      await metadata.putManifest(pushOf(APP, "one", { tags: ["v1"], needs: [layer("gone")] }), ANN);
      await metadata.mountBlob(APP, digestFor("gone"), null, 1000, ANN);
      await metadata.unlinkBlob(APP, digestFor("gone"), 2000, ANN);
      await metadata.removeTag(APP, parseTag("gone"), 2000, ANN);
      await metadata.removeManifest(APP, digestFor("gone"), 2000, ANN);

      expect(await told(given)).toEqual([]);
    });

    test("are none of what nobody shall hear of, nor where nobody listens", async () => {
      await push("one", ["v1"]);
      await given.metadata.setListeners(["a"]);
      await push("one", ["v1"], null);
      await given.link("layer");
      await given.metadata.replaceRepository(snapshotOf(APP, ["layer"], { one: "v1" }));

      expect(await told(given)).toEqual([]);
      expect(await given.metadata.newestEvent()).toBe(0);
    });

    test("survive a restart, with their ids and those who wait for them", async () => {
      await given.metadata.setListeners(["a"]);
      await push("one", ["v1"]);
      const before = await given.metadata.readEvents(0, 10);

      await given.metadata.close();
      given.metadata = await given.open();

      expect(await given.metadata.readEvents(0, 10)).toEqual(before);
      expect(await given.metadata.listCursors()).toEqual([{ endpoint: "a", eventId: 0 }]);
    });

    test("are read from a place on, as many as asked for", async () => {
      await given.metadata.setListeners(["a"]);
      for (const tag of ["v1", "v2", "v3"]) await push("one", [tag]);
      const all = await given.metadata.readEvents(0, 10);

      expect(await given.metadata.readEvents(0, 2)).toEqual(all.slice(0, 2));
      expect(await given.metadata.readEvents(all[1]?.id ?? 0, 10)).toEqual(all.slice(2));
      expect(await given.metadata.newestEvent()).toBe(all[2]?.id ?? -1);
    });
  });

  describe("a listener", () => {
    test("hears of nothing that was before it", async () => {
      await given.metadata.setListeners(["a"]);
      await push("one", ["v1"]);
      const newest = await given.metadata.newestEvent();

      const cursors = await given.metadata.setListeners(["b", "a"]);

      expect(cursors).toEqual([
        { endpoint: "a", eventId: 0 },
        { endpoint: "b", eventId: newest },
      ]);
      expect(await given.metadata.listCursors()).toEqual(cursors);
      expect(await told(given)).toHaveLength(1);
    });

    test("that is not named any more is forgotten, with what only it waited for", async () => {
      await given.metadata.setListeners(["a", "b"]);
      await push("one", ["v1"]);
      await push("one", ["v2"]);
      const [first] = await given.metadata.readEvents(0, 10);
      await given.metadata.advanceCursors([{ endpoint: "b", eventId: first?.id ?? 0 }]);
      expect(await told(given)).toHaveLength(2);

      await given.metadata.setListeners(["b"]);
      expect(await told(given)).toEqual(["push manifest one v2 team/app"]);

      expect(await given.metadata.setListeners([])).toEqual([]);
      expect(await told(given)).toEqual([]);
    });

    test("that comes back begins anew, although no event is left to say where", async () => {
      await given.metadata.setListeners(["a"]);
      await push("one", ["v1"]);
      const newest = await given.metadata.newestEvent();
      await given.metadata.setListeners([]);

      expect(await given.metadata.setListeners(["a"])).toEqual([
        { endpoint: "a", eventId: newest },
      ]);
      await push("one", ["v2"]);
      expect(await told(given, newest)).toEqual(["push manifest one v2 team/app"]);
    });

    test("moves on, never back, and what all have heard of is forgotten", async () => {
      await given.metadata.setListeners(["a", "b"]);
      for (const tag of ["v1", "v2", "v3"]) await push("one", [tag]);
      const ids = (await given.metadata.readEvents(0, 10)).map(({ id }) => id);

      await given.metadata.advanceCursors([
        { endpoint: "a", eventId: ids[2] ?? 0 },
        { endpoint: "b", eventId: ids[0] ?? 0 },
        { endpoint: "nobody", eventId: ids[2] ?? 0 },
      ]);
      await given.metadata.advanceCursors([{ endpoint: "a", eventId: 1 }]);

      expect(await given.metadata.listCursors()).toEqual([
        { endpoint: "a", eventId: ids[2] ?? 0 },
        { endpoint: "b", eventId: ids[0] ?? 0 },
      ]);
      expect(await told(given)).toEqual([
        "push manifest one v2 team/app",
        "push manifest one v3 team/app",
      ]);
    });
  });

  describe("too many events", () => {
    test("are given up from the least important on, the oldest first", async () => {
      await given.metadata.setListeners(["a"]);
      await given.metadata.removeManifest(APP, digestFor("one"), 2000, ANN);
      for (let n = 0; n < 4; n++) {
        await given.metadata.linkBlob(APP, blobOf("layer"), n, null, ANN);
        await push("one", [`v${n}`]);
        await given.metadata.removeTag(APP, parseTag(`v${n}`), 2000, ANN);
      }
      const left = async (): Promise<string[]> =>
        (await told(given)).map((text) => text.replace(/ team\/app$/, ""));

      expect(await given.metadata.trimEvents(12)).toBe(0);
      expect(await given.metadata.trimEvents(11)).toBe(2);
      expect(await left()).toEqual([
        "push manifest one v0",
        "delete tag v0",
        "push manifest one v1",
        "delete tag v1",
        "push blob layer",
        "push manifest one v2",
        "delete tag v2",
        "push blob layer",
        "push manifest one v3",
        "delete tag v3",
      ]);
      expect(await given.metadata.trimEvents(5)).toBe(5);
      expect(await left()).toEqual([
        "delete tag v0",
        "delete tag v1",
        "delete tag v2",
        "push manifest one v3",
        "delete tag v3",
      ]);
      expect(await given.metadata.trimEvents(1)).toBe(4);
      expect(await left()).toEqual(["delete tag v3"]);
    });
  });
}
