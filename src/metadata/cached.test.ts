import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type Digest, digestOf } from "../oci/digest.ts";
import { OCI_IMAGE } from "../oci/media-types.ts";
import { type RepositoryName, parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { cached } from "./cached.ts";
import { POLICY, item } from "./contract/collection-support.ts";
import {
  APP,
  OTHER,
  blobOf,
  bytesOf,
  digestFor,
  layer,
  pushOf,
  snapshotOf,
} from "./contract/fixtures.ts";
import type { Metadata } from "./metadata.ts";
import { openSqlite } from "./sqlite.ts";

let folder: string;
let inner: Metadata;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
  inner = await openSqlite(join(folder, "metadata.sqlite"));
});

afterAll(async () => {
  await inner.close();
  await rm(folder, { recursive: true });
});

/** What is seen later is seen at a later time. */
let clock = 1000;

const NAMES = [APP, OTHER];
const TAGS = ["v1", "v2"];
const BLOBS = ["blob 1", "blob 2"];
const MANIFESTS = ["manifest 1", "manifest 2", "manifest 3"];
const WHOLE_LIST = 1_000_000;

/** A change, and how it is written down when a sequence of them fails. */
interface Change {
  readonly says: string;
  run(metadata: Metadata): Promise<unknown>;
}

const change = fc
  .oneof(
    ...[
      fc.record({ op: fc.constant("link"), word: fc.constantFrom(...BLOBS) }),
      fc.record({ op: fc.constant("mount"), word: fc.constantFrom(...BLOBS) }),
      fc.record({ op: fc.constant("unlink"), word: fc.constantFrom(...BLOBS) }),
      fc.record({ op: fc.constant("push"), word: fc.constantFrom(...MANIFESTS) }),
      fc.record({ op: fc.constant("push with blob"), word: fc.constantFrom(...MANIFESTS) }),
      fc.record({ op: fc.constant("remove"), word: fc.constantFrom(...MANIFESTS) }),
      fc.record({ op: fc.constant("see"), word: fc.constantFrom(...MANIFESTS, ...BLOBS) }),
      fc.record({ op: fc.constant("collect"), word: fc.constantFrom(...MANIFESTS, ...BLOBS) }),
      fc.record({ op: fc.constant("untag"), word: fc.constant("") }),
      fc.record({ op: fc.constant("read from tree"), word: fc.constantFrom(...MANIFESTS) }),
    ].map((kind) => fc.tuple(kind, fc.constantFrom(...NAMES), fc.constantFrom(...TAGS))),
  )
  .map(([{ op, word }, name, tag]): Change => ({
    says: [op, word, name, tag].join(" "),
    run: async (metadata) => await apply(metadata, op, word, name, tag),
  }));

async function apply(
  metadata: Metadata,
  op: string,
  word: string,
  name: RepositoryName,
  tag: string,
): Promise<unknown> {
  switch (op) {
    case "link":
      return await metadata.linkBlob(name, blobOf(word), 1000, null);
    case "mount":
      return await metadata.mountBlob(name, digestFor(word), null, 1000);
    case "unlink":
      return await metadata.unlinkBlob(name, digestFor(word), 2000);
    case "push":
      return await metadata.putManifest(pushOf(name, word, { tags: [tag] }));
    case "push with blob":
      return await metadata.putManifest(
        pushOf(name, word, { tags: [tag], needs: [layer("blob 1")] }),
      );
    case "remove":
      return await metadata.removeManifest(name, digestFor(word), 2000);
    case "untag":
      return await metadata.removeTag(name, parseTag(tag), 2000);
    case "see": {
      const seen = { name, digest: digestFor(word), at: (clock += 1000) };
      return await metadata.see([
        { kind: "manifest", ...seen },
        { kind: "link", ...seen },
      ]);
    }
    case "collect":
      return await metadata.collect([item("manifest", word, name), item("link", word, name)], {
        ...POLICY,
        seenBefore: Number.MAX_SAFE_INTEGER,
        untaggedBefore: Number.MAX_SAFE_INTEGER,
      });
    default:
      return await metadata.replaceRepository(snapshotOf(name, ["blob 2"], { [word]: tag }));
  }
}

/** Every answer that may come from the cache, and those beside it. */
async function answers(metadata: Metadata): Promise<unknown> {
  const references = [...TAGS.map(parseTag), ...MANIFESTS.map(digestFor)];
  return await Promise.all(
    NAMES.map(async (name) => ({
      manifests: await Promise.all(references.map((one) => metadata.findManifest(name, one))),
      blobs: await Promise.all(BLOBS.map((word) => metadata.findBlob(name, digestFor(word)))),
      tags: await metadata.listTagNames(name, { last: null, limit: WHOLE_LIST }),
      page: await metadata.listTagNames(name, { last: "v1", limit: WHOLE_LIST }),
      few: await metadata.listTagNames(name, { last: null, limit: 1 }),
    })),
  );
}

async function forgetAll(): Promise<void> {
  for (const name of NAMES) await inner.replaceRepository(snapshotOf(name, [], {}));
}

describe("what is remembered", () => {
  test("is what would be answered without it, after any sequence of changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 15, size: "max" }), async (changes) => {
        await forgetAll();
        const metadata = cached(inner);
        for (const one of changes) {
          await one.run(metadata);
          expect(await answers(metadata)).toEqual(await answers(inner));
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test("is what would be answered without it, after changes and reads at once", async () => {
    const atOnce = fc.array(fc.array(change, { minLength: 2, maxLength: 5 }), {
      maxLength: 4,
      size: "max",
    });
    await fc.assert(
      fc.asyncProperty(atOnce, async (groups) => {
        await forgetAll();
        const metadata = cached(inner);
        for (const group of groups) {
          await Promise.all(
            group.flatMap((one) => [answers(metadata), one.run(metadata), answers(metadata)]),
          );
          expect(await answers(metadata)).toEqual(await answers(inner));
        }
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  test("is an answer that costs no look into the tables", async () => {
    await forgetAll();
    let looks = 0;
    const metadata = cached({
      ...inner,
      findManifest: async (...of) => (looks++, await inner.findManifest(...of)),
      findBlob: async (...of) => (looks++, await inner.findBlob(...of)),
      listTagNames: async (...of) => (looks++, await inner.listTagNames(...of)),
    });
    await metadata.linkBlob(APP, blobOf("blob 1"), 1000, null);
    await metadata.putManifest(pushOf(APP, "manifest 1", { tags: ["v1"] }));
    const ask = async (): Promise<unknown> => [
      await metadata.findManifest(APP, parseTag("v1")),
      await metadata.findBlob(APP, digestFor("blob 1")),
      await metadata.listTagNames(APP, { last: null, limit: WHOLE_LIST }),
    ];

    const first = await ask();
    expect(looks).toBe(3);

    expect(await ask()).toEqual(first);
    expect(looks).toBe(3);
  });

  test("is never that something is not there", async () => {
    await forgetAll();
    const metadata = cached(inner);
    expect(await metadata.findManifest(APP, parseTag("v1"))).toBeNull();
    expect(await metadata.findBlob(APP, digestFor("blob 1"))).toBeNull();

    // Another hand on the same tables: nothing tells the cache.
    await inner.linkBlob(APP, blobOf("blob 1"), 1000, null);
    await inner.putManifest(pushOf(APP, "manifest 1", { tags: ["v1"] }));

    expect(await metadata.findManifest(APP, parseTag("v1"))).not.toBeNull();
    expect(await metadata.findBlob(APP, digestFor("blob 1"))).not.toBeNull();
  });

  test("makes room for what is new: more manifests than fit are all answered rightly", async () => {
    const metadata = cached(inner);
    const name = parseName("large/manifests");
    const manifests = Array.from({ length: 14 }, (_, at) =>
      new Uint8Array(2 * 1024 * 1024).fill(at),
    );
    for (const [at, bytes] of manifests.entries()) {
      const push = pushOf(name, String(at), { tags: [`v${at}`] });
      await metadata.putManifest({ ...push, bytes, digest: digestOf(bytes) });
    }

    const wrong: number[] = [];
    for (const round of [1, 2]) {
      for (const [at, bytes] of manifests.entries()) {
        const found = await metadata.findManifest(name, parseTag(`v${at}`));
        if (found?.digest !== digestOf(bytes) || found.bytes[0] !== at) wrong.push(round);
      }
    }
    expect(wrong).toEqual([]);
  });
});

test("a blob that comes back with its right size has it in every repository", async () => {
  const metadata = cached(inner);
  const { digest } = blobOf("was truncated");
  for (const name of NAMES) await inner.linkBlob(name, { digest, size: 3 }, 1000, null);
  for (const name of NAMES) expect((await metadata.findBlob(name, digest))?.size).toBe(3);

  await metadata.linkBlob(APP, blobOf("was truncated"), 2000, null);

  for (const name of NAMES) expect((await metadata.findBlob(name, digest))?.size).toBe(13);
});

describe("reads and changes that overlap", () => {
  /** One tag in one repository, whose reads and moves take as long as the scheduler wants. */
  function slowTag(scheduler: fc.Scheduler) {
    const history: (Digest | null)[] = [null];
    const step = async (what: string): Promise<void> =>
      await scheduler.schedule(Promise.resolve(), what);
    const metadata = {
      async findManifest() {
        await step("look");
        const digest = history.at(-1) ?? null;
        await step("answer");
        return digest && { digest, mediaType: OCI_IMAGE, bytes: bytesOf("") };
      },
      async putManifest({ digest }) {
        await step("move the tag");
        history.push(digest);
        await step("say that it was moved");
        return { missing: [] };
      },
    } as Pick<Metadata, "findManifest" | "putManifest"> as Metadata;
    return { metadata, history };
  }

  test("a read never shows what was before a move that was acknowledged when it began", async () => {
    const calls = fc.array(fc.constantFrom("read", "read", "move"), {
      minLength: 3,
      maxLength: 15,
      size: "max",
    });
    await fc.assert(
      fc.asyncProperty(calls, fc.scheduler(), async (sequence, scheduler) => {
        const { metadata: slow, history } = slowTag(scheduler);
        const metadata = cached(slow);
        const tag = parseTag("v1");
        /** Where in the history the last move is that its caller has heard of. */
        let acknowledged = 0;
        const stale: string[] = [];

        const read = async (): Promise<void> => {
          const from = acknowledged;
          const found = (await metadata.findManifest(APP, tag))?.digest ?? null;
          if (!history.slice(from).includes(found)) stale.push(`${found} is older than ${from}`);
        };
        const move = async (at: number): Promise<void> => {
          const push = pushOf(APP, `manifest ${at}`, { tags: ["v1"] });
          await metadata.putManifest(push);
          acknowledged = Math.max(acknowledged, history.indexOf(push.digest));
        };
        // Callers come one after the other, each while some of those before still wait.
        const calling = sequence.map(async (call, at) => {
          for (let turn = 0; turn < at; turn++) await scheduler.schedule(Promise.resolve(), "wait");
          await (call === "read" ? read() : move(at));
        });
        await scheduler.waitFor(Promise.all(calling));
        await scheduler.waitFor(read());

        expect(stale).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
