import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseName } from "../oci/name.ts";
import { memoryStorage } from "../storage/memory.ts";
import { BLOBS } from "../storage/tree.ts";
import { APP, OTHER, digestFor, snapshotOf } from "./contract/fixtures.ts";
import { fold, followTree } from "./follow-tree.ts";
import type { JournalRecord, Metadata } from "./metadata.ts";
import { openSqlite } from "./sqlite.ts";
import {
  type Change,
  Cut,
  FragileStorage,
  TreeModel,
  linksOf,
  make,
  missingFrom,
  pathsBelow,
} from "./tree-model.ts";

let folder: string;
let metadata: Metadata;

beforeEach(forgetAll);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
  metadata = await openSqlite(join(folder, "metadata.sqlite"));
});

afterAll(async () => {
  await metadata.close();
  await rm(folder, { recursive: true });
});

type Step =
  | { readonly changes: readonly Omit<Change, "name">[]; readonly other: readonly boolean[] }
  | {
      /** Follow this many entries of the journal, … */
      readonly batch: number;
      /** … but be cut off after so many effects, … */
      readonly cut: number | null;
      /** … or be stopped before the journal is told. */
      readonly retire: boolean;
    };

const change = fc.oneof(
  fc.record({
    op: fc.constantFrom("link", "link small", "link small", "mount", "unlink", "unlink", "collect"),
    word: fc.constantFrom("blob 1", "blob 2"),
    tag: fc.constant(""),
  }),
  fc.record({
    op: fc.constantFrom(
      "push",
      "push tagged",
      "push tagged",
      "push needing",
      "untag",
      "remove",
      "collect",
    ),
    word: fc.constantFrom("manifest 1", "manifest 2", "manifest 3"),
    tag: fc.constantFrom("v1", "v2"),
  }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    changes: fc.array(change, { minLength: 1, maxLength: 6 }),
    other: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  }),
  fc.record({
    batch: fc.integer({ min: 1, max: 12 }),
    cut: fc.option(fc.nat(12)),
    retire: fc.boolean(),
  }),
);

const history = fc.array(step, { maxLength: 12, size: "max" });

/** No run finds what another has left, not even a blob to mount. */
async function forgetAll(): Promise<void> {
  for (const name of await metadata.listRepositories({ last: null, limit: 1000 })) {
    await metadata.replaceRepository(snapshotOf(name, [], {}));
  }
  const last = (await metadata.readJournal(1_000_000)).at(-1);
  if (last) await metadata.retireJournal(last.id);
}

class Run {
  readonly storage = new FragileStorage(memoryStorage());
  readonly model = new TreeModel();

  async take(one: Step): Promise<void> {
    if ("batch" in one) return await this.#follow(one);
    const changes = one.changes.map((each, at): Change => {
      return { ...each, name: one.other[at] ? OTHER : APP };
    });
    const answers = await make(changes, metadata, this.storage.inner);
    for (const [at, each] of changes.entries()) this.model.apply(each, answers[at]);
  }

  async #follow({ batch, cut, retire }: Extract<Step, { batch: number }>): Promise<void> {
    const records = await metadata.readJournal(batch);
    const last = records.at(-1);
    if (!last) return;
    this.storage.left = cut;
    try {
      await followTree(records, metadata, this.storage);
      if (retire) await metadata.retireJournal(last.id);
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
    } finally {
      this.storage.left = null;
    }
  }

  /** Follows to the end, undisturbed. */
  async followAll(batch = 1000): Promise<void> {
    while ((await metadata.readJournal(1)).length > 0) {
      await this.#follow({ batch, cut: null, retire: true });
    }
  }
}

describe("the tree, when it follows the journal", () => {
  test("in batches of any size, cut off anywhere and begun again, ends as what the callers were told", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.integer({ min: 1, max: 20 }), async (steps, lastBatch) => {
        await forgetAll();
        const run = new Run();
        for (const one of steps) await run.take(one);
        await run.followAll(lastBatch);

        expect(await linksOf(run.storage)).toEqual(run.model.links());
        expect(await missingFrom(run.storage, run.model)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  test("never links a layer or manifest whose bytes it does not have, wherever it is cut off", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        await forgetAll();
        const run = new Run();
        for (const one of steps) {
          await run.take(one);
          const digests = Object.entries(await linksOf(run.storage))
            .filter(([path]) => /\/_layers\/|\/revisions\//.test(path))
            .map(([, digest]) => digest);
          const stored = (await pathsBelow(run.storage, BLOBS)).join();
          expect(digests.filter((digest) => !stored.includes(digest.slice(7)))).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  test("does nothing a second time: the same batch again leaves every file as it is", async () => {
    const run = new Run();
    const word = "manifest 1";
    await run.take({ changes: [{ op: "push tagged", word, tag: "v1" }], other: [false] });
    const records = await metadata.readJournal(1000);
    await followTree(records, metadata, run.storage);
    const first = await linksOf(run.storage);

    await followTree(records, metadata, run.storage);

    expect(await linksOf(run.storage)).toEqual(first);
    expect(Object.keys(first)).toHaveLength(3);
  });

  test("writes a tag that moved a hundred times once, with all that it named in its index", async () => {
    const run = new Run();
    const words = Array.from({ length: 100 }, (_, at) => `manifest ${at % 3}`);
    const changes = words.map((word) => ({ op: "push tagged", word, tag: "v1" }) as const);
    await run.take({ changes, other: [] });
    const written: string[] = [];
    const counting = memoryStorage();

    await followTree(await metadata.readJournal(1000), metadata, {
      ...counting,
      async write(objects) {
        written.push(...objects.map(({ path }) => path));
        await counting.write(objects);
      },
    });

    expect(written.filter((path) => path.endsWith("/current/link"))).toHaveLength(1);
    expect(written.filter((path) => path.includes("/v1/index/"))).toHaveLength(3);
    expect(new Set(written).size).toBe(written.length);
    expect(await linksOf(counting)).toEqual(run.model.links());
  });

  test("writes with one sync for the whole batch", async () => {
    const run = new Run();
    const changes = ["1", "2", "3"].map(
      (n) => ({ op: "push tagged", word: `manifest ${n}`, tag: `v${n}` }) as const,
    );
    await run.take({ changes, other: [] });
    let writes = 0;
    const counting = memoryStorage();

    await followTree(await metadata.readJournal(1000), metadata, {
      ...counting,
      async write(objects) {
        writes++;
        await counting.write(objects);
      },
    });

    expect(writes).toBe(1);
  });

  test("leaves out a manifest that was removed before it could be written", async () => {
    const run = new Run();
    const word = "manifest 1";
    await run.take({ changes: [{ op: "push", word, tag: "" }], other: [] });
    const early = await metadata.readJournal(1000);
    await run.take({ changes: [{ op: "remove", word, tag: "" }], other: [] });

    await followTree(early, metadata, run.storage);

    expect(await linksOf(run.storage)).toEqual({});
    await run.followAll();
    expect(await linksOf(run.storage)).toEqual({});
  });
});

describe("what a run of the journal comes to", () => {
  const name = parseName("team/app");
  const records = (...entries: JournalRecord["entry"][]): JournalRecord[] =>
    entries.map((entry, id) => ({ id, entry }));
  const moved = (word: string, previous: string | null) =>
    ({
      op: "set-tag",
      name,
      tag: "v1" as never,
      digest: digestFor(word),
      previous: previous === null ? null : digestFor(previous),
    }) as const;
  const removed = (previous: string) =>
    ({ op: "remove-tag", name, tag: "v1" as never, previous: digestFor(previous) }) as const;
  const changed = (...entries: JournalRecord["entry"][]) => {
    const [tag] = [...fold(records(...entries)).tags.values()];
    return (
      tag && {
        final: tag.final,
        seen: [...tag.seen].filter((one) => one !== null),
        index: [...tag.index.digests],
        fresh: tag.index.fresh,
      }
    );
  };

  test("is nothing for nothing", () => {
    const { links, manifests, tags } = fold([]);

    expect([links.size, manifests.size, tags.size]).toEqual([0, 0, 0]);
  });

  test("for a tag is where it ends, with all that it named and may still show", () => {
    expect(changed(moved("two", "one"), moved("three", "two"))).toEqual({
      final: digestFor("three"),
      seen: [digestFor("one"), digestFor("two"), digestFor("three")],
      index: [digestFor("two"), digestFor("three")],
      fresh: false,
    });
  });

  test("for a tag that went and came back begins with an empty index", () => {
    expect(changed(moved("two", "one"), removed("two"), moved("three", null))).toEqual({
      final: digestFor("three"),
      seen: [digestFor("one"), digestFor("two"), digestFor("three")],
      index: [digestFor("three")],
      fresh: true,
    });
  });

  test("for a tag that went is nothing", () => {
    expect(changed(moved("two", "one"), removed("two"))).toMatchObject({ final: null, index: [] });
  });

  test("for what a tag has named is nothing once its manifest is gone, unless it comes back", () => {
    const forgotten = {
      op: "forget-tagged",
      name,
      tag: "v1" as never,
      digest: digestFor("one"),
    } as const;
    const left = (...entries: JournalRecord["entry"][]): string[] =>
      [...fold(records(...entries)).forgotten.values()].map(({ digest }) => digest);

    expect(changed(moved("one", null), moved("two", "one"), forgotten)?.index).toEqual([
      digestFor("two"),
    ]);
    expect(left(moved("two", "one"), forgotten)).toEqual([digestFor("one")]);
    expect(changed(forgotten, moved("one", "two"))?.index).toEqual([digestFor("one")]);
    expect(left(forgotten, moved("one", "two"))).toEqual([]);
  });

  test("for a link is what was said last", () => {
    const digest = digestFor("layer");
    const link = { op: "link-layer", name, digest } as const;
    const unlink = { op: "unlink-layer", name, digest } as const;
    const last = (...entries: JournalRecord["entry"][]) =>
      [...fold(records(...entries)).links.values()].map(({ present }) => present);

    expect(last(link, unlink)).toEqual([false]);
    expect(last(unlink, link)).toEqual([true]);
    expect(last(link, unlink, link)).toEqual([true]);
  });

  test("keeps apart what has the same name in different repositories", () => {
    const other = parseName("team/app-v1");
    const { tags } = fold(records(moved("one", null), { ...moved("two", null), name: other }));

    expect([...tags.values()].map(({ final }) => final)).toEqual([
      digestFor("one"),
      digestFor("two"),
    ]);
  });
});
