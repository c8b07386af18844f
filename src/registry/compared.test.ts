import { describe, expect, test } from "bun:test";
import type { Metadata } from "../metadata/metadata.ts";
import type { ReadReport } from "../metadata/read-tree.ts";
import type { TreeScanner } from "../metadata/tree-scanner.ts";
import { digestOf } from "../oci/digest.ts";
import { type RepositoryName, parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { compared } from "./compared.ts";

const APP = parseName("team/app");
const OTHER = parseName("other");
const V1 = parseTag("v1");
const DIGEST = digestOf(new Uint8Array());

/** A scan that the test drives, and metadata that note what they are asked. */
function given() {
  const finished = Promise.withResolvers<ReadReport | null>();
  const listed = Promise.withResolvers<RepositoryName[] | null>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const asked: string[] = [];
  let over = false;
  void finished.promise.then(() => (over = true));
  const scan: TreeScanner = {
    ready(name, intent) {
      if (over) return undefined;
      const key = `${intent} ${name}`;
      const known = waiting.get(key) ?? Promise.withResolvers<void>();
      waiting.set(key, known);
      return known.promise;
    },
    listed: listed.promise,
    finished: finished.promise,
    close: async () => undefined,
  };
  const inner = new Proxy({} as Metadata, {
    ownKeys: () => METHODS,
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (target, method: keyof Metadata) =>
      ((target[method] as unknown) ??= async () => {
        asked.push(method);
        return null;
      }),
  });
  return { scan, finished, listed, waiting, asked, inner, metadata: compared(inner, scan) };
}

const READS = [
  "findManifest",
  "findBlob",
  "hasRepository",
  "knownRepository",
  "listTags",
  "listTagNames",
  "listManifests",
  "listBlobs",
  "listReferrers",
  "tagsOf",
  "referencesOf",
] as const;
const CHANGES = ["linkBlob", "unlinkBlob", "removeTag", "removeManifest", "putManifest"] as const;
const METHODS = [...READS, ...CHANGES, "mountBlob", "listRepositories", "readJournal"];

type Call = (...of: unknown[]) => Promise<unknown>;

/** Any of them, about the repository. */
function call(metadata: Metadata, method: keyof Metadata): Promise<unknown> {
  const of = method === "putManifest" ? [{ name: APP }] : [APP, DIGEST];
  return (metadata[method] as Call)(...of);
}

describe("while the tree is compared", () => {
  for (const method of READS) {
    test(`${method} waits for its repository, and goes on when that cannot be recorded`, async () => {
      const { metadata, waiting, asked } = given();
      const answer = call(metadata, method);
      await Bun.sleep(0);
      expect(asked).toEqual([]);
      waiting.get(`read ${APP}`)?.reject(new Error("the disk is full"));
      await answer;
      expect(asked).toEqual([method]);
    });
  }

  for (const method of CHANGES) {
    test(`${method} waits for its repository, and is refused when that cannot be recorded`, async () => {
      const { metadata, waiting, asked } = given();
      const refused = call(metadata, method).catch((error: unknown) => error);
      await Bun.sleep(0);
      expect(asked).toEqual([]);
      waiting.get(`change ${APP}`)?.reject(new Error("the disk is full"));
      expect(await refused).toEqual(new Error("the disk is full"));
      expect(asked).toEqual([]);

      waiting.clear();
      const accepted = call(metadata, method);
      waiting.get(`change ${APP}`)?.resolve();
      await accepted;
      expect(asked).toEqual([method]);
    });
  }

  test("a mount waits for both repositories", async () => {
    const { metadata, waiting, asked } = given();
    const answer = metadata.mountBlob(APP, DIGEST, OTHER, 0);
    waiting.get(`read ${OTHER}`)?.resolve();
    await Bun.sleep(0);
    expect(asked).toEqual([]);
    waiting.get(`change ${APP}`)?.resolve();
    await answer;
    expect(asked).toEqual(["mountBlob"]);
  });

  test("a mount from anywhere finds nothing, so that the client uploads", async () => {
    const { metadata, asked } = given();
    expect(await metadata.mountBlob(APP, DIGEST, null, 0)).toBeNull();
    expect(asked).toEqual([]);
  });

  test("the list of all repositories is that of the tree, and of what was pushed since", async () => {
    const { inner, scan, listed } = given();
    const [known, inTree] = [
      ["a", "gone", "new", "tree/b"],
      ["a", "tree/b", "tree/c"],
    ];
    const asked: string[] = [];
    const metadata = compared(
      {
        ...inner,
        listRepositories: async ({ last, limit }) =>
          known
            .filter((name) => name > (last ?? ""))
            .slice(0, limit)
            .map(parseName),
        hasRepository: async (name) => name !== parseName("gone"),
      },
      // Of what we know and the tree had not, each is compared first.
      { ...scan, ready: async (name) => void asked.push(name) },
    );
    const pages = [
      { last: null, limit: 10 },
      { last: null, limit: 2 },
      { last: "new", limit: 1 },
      { last: "tree/c", limit: 5 },
    ].map((page) => metadata.listRepositories(page));
    await Bun.sleep(0);
    expect(asked).toEqual([]);
    listed.resolve(inTree.map(parseName));

    const answers = (await Promise.all(pages)).map((names) => names.join(" "));

    expect(answers).toEqual(["a new tree/b tree/c", "a new", "tree/b", ""]);
    expect(new Set(asked)).toEqual(new Set(["gone", "new"]));
  });

  test("a page of all repositories waits for none that is behind it", async () => {
    const { inner, scan, listed } = given();
    listed.resolve(["a", "b", "tree/c"].map(parseName));
    const asked: string[] = [];
    const metadata = compared(
      {
        ...inner,
        listRepositories: async ({ last }) => (last === null ? ["a", "new"].map(parseName) : []),
      },
      { ...scan, ready: async (name) => void asked.push(name) },
    );
    expect(await metadata.listRepositories({ last: null, limit: 2 })).toEqual(
      ["a", "b"].map(parseName),
    );
    expect(asked).toEqual([]);
  });

  test("what concerns no repository waits for nothing", async () => {
    const { metadata, asked } = given();
    await metadata.readJournal(1);
    expect(asked).toEqual(["readJournal"]);
  });
});

describe("when the tree has been compared", () => {
  test("the wrapper is what it wraps", async () => {
    const { metadata, inner, finished } = given();
    finished.resolve(null);
    await Bun.sleep(0);
    for (const method of METHODS as (keyof Metadata)[]) {
      expect(metadata[method]).toBe(inner[method] as never);
    }
  });

  test("a method that somebody took before waits for nothing any more", async () => {
    const { metadata, asked, finished } = given();
    const taken = { ...metadata };
    finished.resolve(null);
    await Bun.sleep(0);
    await taken.findManifest(APP, V1);
    await taken.mountBlob(APP, DIGEST, null, 0);
    expect(asked).toEqual(["findManifest", "mountBlob"]);
  });
});
