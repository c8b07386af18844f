import { describe, expect, test } from "bun:test";
import type { Digest } from "../../oci/digest.ts";
import { parseTag } from "../../oci/reference.ts";
import type { JournalEntry } from "../journal.ts";
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
  snapshotOf,
} from "./fixtures.ts";

/** Many callers at once, and a life after this one. */
export function changes(given: Given): void {
  describe("changes at once", () => {
    test("are seen by every read that begins after they resolved", async () => {
      const seen = Array.from({ length: 50 }, async (_, at) => {
        const word = `blob ${at}`;
        await given.link(word);
        return await given.metadata.findBlob(APP, digestFor(word));
      });

      expect((await Promise.all(seen)).filter((blob) => blob === null)).toEqual([]);
    });

    test("take effect in the order of the calls: a manifest may follow its blobs without waiting", async () => {
      const answers = Array.from({ length: 50 }, async (_, at) => {
        const linked = given.link(`blob ${at}`);
        const missing = await given.push(`manifest ${at}`, {
          needs: [layer(`blob ${at}`)],
          tags: [`v${at}`],
        });
        await linked;
        return missing;
      });

      expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, () => []));
    });

    test("200 of them are all answered, each with its own answer, in order", async () => {
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, at) => {
          // Every fourth lacks its layer, every fifth removes the tag that all of them move.
          if (at % 5 === 4) return await given.metadata.removeTag(APP, parseTag("v"), 2000);
          return await given.push(`manifest ${at}`, {
            tags: ["v"],
            needs: at % 4 === 3 ? [layer("absent")] : [],
            at,
          });
        }),
      );

      let named: Digest | null = null;
      const expectedJournal: JournalEntry[] = [];
      const expected = answers.map((_, at): unknown => {
        const digest = digestFor(`manifest ${at}`);
        const tag = { name: APP, tag: parseTag("v") };
        if (at % 5 === 4) {
          const removed = named && { digest: named };
          if (named) expectedJournal.push({ op: "remove-tag", ...tag, previous: named });
          named = null;
          return removed;
        }
        if (at % 4 === 3) return [digestFor("absent")];
        expectedJournal.push({ op: "put-manifest", name: APP, digest });
        expectedJournal.push({ op: "set-tag", ...tag, digest, previous: named });
        named = digest;
        return [];
      });
      expect(answers).toEqual(expected as typeof answers);
      expect(await given.journal()).toEqual(expectedJournal);
    });

    test("200 moves of one tag leave the last one, and a journal without a gap", async () => {
      await Promise.all(
        Array.from(
          { length: 200 },
          async (_, at) => await given.push(`manifest ${at % 7}`, { tags: ["v"], at }),
        ),
      );

      const moves = (await given.journal()).filter((entry) => entry.op === "set-tag");
      expect(moves.map(({ digest }) => digest)).toEqual(
        Array.from({ length: 200 }, (_, at) => digestFor(`manifest ${at % 7}`)),
      );
      expect(moves.map(({ previous }) => previous)).toEqual([
        null,
        ...moves.slice(0, -1).map((m) => m.digest),
      ]);
      expect(await given.metadata.listTags(APP, ALL)).toMatchObject([
        { digest: digestFor(`manifest ${199 % 7}`), pushedAt: 199 },
      ]);
    });

    test("one that is declined changes nothing, and those beside it are not touched by that", async () => {
      await given.link("layer");
      const [first, declined, mounted, last] = await Promise.all([
        given.push("one", { tags: ["v1"], needs: [layer("layer")] }),
        given.push("index", { tags: ["v1", "v2"], needs: [layer("absent")] }, OTHER),
        given.metadata.mountBlob(OTHER, digestFor("absent"), null, 2000),
        given.push("two", { tags: ["v2"] }),
      ]);

      expect([first, declined, mounted, last]).toEqual([[], [digestFor("absent")], null, []]);
      expect(await given.metadata.hasRepository(OTHER)).toBe(false);
      expect(await given.metadata.findManifest(OTHER, digestFor("index"))).toBeNull();
      expect((await given.metadata.findManifest(APP, parseTag("v2")))?.digest).toBe(
        digestFor("two"),
      );
      expect((await given.journal()).filter(({ name }) => name === OTHER)).toEqual([]);
    });

    test("each one is there when it resolved, and is not there at all when it rejected", async () => {
      const { tags, ...rest } = snapshotOf(APP, ["layer"], { one: "v1" });
      const impossible = { ...rest, tags: [...tags, ...tags] };

      const [before, replaced, after] = await Promise.allSettled([
        given.link("config", OTHER),
        given.metadata.replaceRepository(impossible),
        given.push("two", {}, OTHER),
      ]);

      expect(replaced.status).toBe("rejected");
      expect(await given.metadata.findBlob(APP, digestFor("layer"))).toBeNull();
      expect(await given.metadata.findManifest(APP, digestFor("one"))).toBeNull();
      const found = [
        await given.metadata.findBlob(OTHER, digestFor("config")),
        await given.metadata.findManifest(OTHER, digestFor("two")),
      ];
      expect(found.map((one) => one !== null)).toEqual(
        [before, after].map(({ status }) => status === "fulfilled"),
      );
      expect(await given.journal()).toHaveLength(found.filter((one) => one !== null).length);
    });

    test("go on after one that was rejected", async () => {
      const { tags, ...rest } = snapshotOf(APP, [], { one: "v1" });
      await given.metadata
        .replaceRepository({ ...rest, tags: [...tags, ...tags] })
        .catch(() => undefined);

      expect(await given.push("two", { tags: ["v2"] })).toEqual([]);
      expect(await given.metadata.listTagNames(APP, ALL)).toEqual([parseTag("v2")]);
    });
  });

  describe("closing", () => {
    test("keeps everything for the next to open it", async () => {
      await given.link("layer");
      await given.metadata.linkBlob(APP, blobOf("small"), 1000, bytesOf("small"));
      await given.push("one", {
        tags: ["v1", "v2"],
        needs: [layer("layer")],
        subject: "two",
        annotations: { a: "b" },
      });
      await given.push("index", { needs: [child("one")] });
      await given.metadata.removeTag(APP, parseTag("v2"), 2000);
      await given.metadata.saveUpload({ id: "abc", name: APP, startedAt: 5, owner: "ann" });
      await given.metadata.setSetting("key", "value");
      const before = await given.shown();

      await given.metadata.close();
      given.metadata = await given.open();

      expect(await given.shown()).toEqual(before);
    });

    test("waits for what is under way", async () => {
      const pushes = Array.from(
        { length: 50 },
        async (_, at) => await given.push(`manifest ${at}`, { tags: [`v${at}`] }),
      );
      await given.metadata.close();
      await Promise.all(pushes);
      given.metadata = await given.open();

      expect(await given.metadata.listTagNames(APP, ALL)).toHaveLength(50);
    });

    test("never uses the id of a journal entry again, also in a later life", async () => {
      await given.link("one");
      const [first] = await given.metadata.readJournal(1);
      await given.metadata.retireJournal(first?.id ?? 0);
      await given.metadata.close();
      given.metadata = await given.open();
      await given.link("two");

      const [next] = await given.metadata.readJournal(1);
      expect(next?.id).toBeGreaterThan(first?.id ?? 0);
    });

    test("lets a change that comes too late fail, rather than wait for ever", async () => {
      await given.metadata.close();

      const late = given.metadata.setSetting("key", "late").then(
        () => "done",
        () => "refused",
      );
      const end = await Promise.race([late, Bun.sleep(2000).then(() => "waits")]);

      given.metadata = await given.open();
      expect(end).toBe("refused");
      expect(await given.metadata.getSetting("key")).toBeNull();
    });
  });
}
