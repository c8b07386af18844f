import { describe, expect, test } from "bun:test";
import { image } from "../../test/support/image.ts";
import { EMPTY, NOW, newTree } from "../../test/support/stored-tree.ts";
import { type RepositoryName, parseName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { layersPath } from "../storage/tree.ts";
import type { KnownRepository, RepositorySnapshot } from "./metadata.ts";
import { Turns } from "./turns.ts";
import { TreeReader } from "./read-tree.ts";
import type { ScanReply } from "./scan-messages.ts";
import { TreeScan } from "./scan.ts";

const SLOW = parseName("a/slow");
const WANTED = parseName("z/wanted");
const MADE_UP = parseName("made/up");

interface Scanning {
  readonly scan: TreeScan;
  readonly replies: ScanReply[];
  readonly recorded: RepositorySnapshot[];
  /** Names of repositories whose layers were listed, in order. */
  readonly read: string[];
  /** The names in the order in which they were done. */
  readonly done: () => string[];
}

/** A scan of a tree; `gate` holds up the look at the layers of a repository. */
async function scanning(
  names: readonly RepositoryName[],
  options: {
    readonly gate?: (name: string) => Promise<void> | undefined;
    readonly known?: Readonly<Record<string, KnownRepository>>;
    readonly except?: ReadonlySet<RepositoryName>;
    readonly record?: (snapshot: RepositorySnapshot) => void;
  } = {},
): Promise<Scanning> {
  const tree = newTree();
  for (const name of names) await tree.put(name, image(), "v1");
  const { gate, known = {}, except = new Set(), record } = options;
  const read: string[] = [];
  const paths = new Map([...names, MADE_UP].map((name) => [layersPath(name), String(name)]));
  const storage: Storage = {
    ...tree.storage,
    async *list(folder) {
      const name = paths.get(folder);
      if (name !== undefined) {
        read.push(name);
        await gate?.(name);
      }
      yield* tree.storage.list(folder);
    },
  };
  const recorded: RepositorySnapshot[] = [];
  const reader = new TreeReader(
    {
      hasRepository: async (name) => name in known,
      knownRepository: async (name) => known[name] ?? null,
      referencesOf: async () => [],
      listRepositories: async ({ last }) =>
        last === null ? Object.keys(known).toSorted().map(parseName) : [],
      async replaceRepository(snapshot) {
        record?.(snapshot);
        recorded.push(snapshot);
        return {
          blobs: { added: 0, removed: 0 },
          manifests: { added: 0, removed: [] },
          tags: { added: 0, moved: [], removed: [] },
        };
      },
    },
    NOW,
  );
  const replies: ScanReply[] = [];
  const post = (reply: ScanReply): void => void replies.push(reply);
  const done = (): string[] =>
    replies.flatMap((reply) => (reply !== "stopped" && "done" in reply ? [reply.done] : []));
  const scan = new TreeScan(reader, storage, new Turns(), except, post);
  return { scan, replies, recorded, read, done };
}

describe("comparing a whole tree", () => {
  test("serves the one that somebody waits for first, whatever is being read", async () => {
    const slow = Promise.withResolvers<void>();
    const { scan, done } = await scanning([SLOW, parseName("b"), WANTED], {
      gate: (name) => (name === SLOW ? slow.promise : undefined),
    });
    // The walk goes on in two lanes; both are held up.
    const all = scan.all();

    await scan.first(WANTED, false);
    expect(done()).toContain(WANTED);
    expect(done()).not.toContain(SLOW);

    slow.resolve();
    await all;
    expect(done().toSorted()).toEqual(["a/slow", "b", "z/wanted"]);
  });

  test("reads each repository once, also those that somebody waits for, again and again", async () => {
    const { scan, read, recorded } = await scanning([SLOW, WANTED]);
    const waiting = [WANTED, SLOW, WANTED].map((name) => scan.first(name, true));
    await Promise.all([scan.all(), ...waiting]);
    await scan.first(WANTED, true);
    expect(read.toSorted()).toEqual(["a/slow", "z/wanted"]);
    expect(recorded).toHaveLength(2);
  });

  test("ends although there is no end of questions about what is nowhere", async () => {
    const { scan } = await scanning([SLOW, WANTED]);
    const enough = 100_000;
    let asked = 0;
    let over = false;
    const ask = async (): Promise<void> => {
      while (!over && asked < enough) await scan.first(parseName(`made/up-${asked++}`), false);
    };
    // One of them is always under way.
    const asking = [ask(), ask(), ask()];
    await scan.all();
    over = true;
    await Promise.all(asking);
    expect(asked).toBeLessThan(enough);
  });

  test("does not end before those are done that somebody waits for", async () => {
    const slow = Promise.withResolvers<void>();
    const { scan, replies } = await scanning([WANTED], { gate: () => slow.promise });
    const first = scan.first(WANTED, true);
    const all = scan.all();
    await Bun.sleep(20);
    // The list of all is not held up by any of them.
    expect(replies).toEqual([{ listed: [WANTED] }]);
    slow.resolve();
    await Promise.all([first, all]);
    expect(replies).toMatchObject([
      { listed: [WANTED] },
      { done: WANTED },
      { end: { repositories: 1 } },
    ]);
  });

  test("never reads again what a client is about to make, and forgets names that are only asked for", async () => {
    const { scan, replies } = await scanning([]);
    await scan.first(MADE_UP, false);
    await scan.first(MADE_UP, true);
    await scan.first(MADE_UP, true);
    expect(replies).toEqual([
      { done: MADE_UP, held: false },
      { done: MADE_UP, held: true },
    ]);
  });

  test("takes those for read of which the tree lacks our own changes", async () => {
    const { scan, recorded } = await scanning([SLOW, WANTED], { except: new Set([SLOW]) });
    await scan.first(SLOW, true);
    await scan.all();
    expect(recorded.map(({ name }) => name)).toEqual([WANTED]);
  });

  test("forgets what is known and not in the tree any more, when all the rest was read", async () => {
    const { scan, recorded } = await scanning([WANTED], { known: { gone: EMPTY } });
    await scan.all();
    const found = recorded.map(({ name, gone }) => `${name} ${gone}`);
    expect(found.toSorted()).toEqual(["gone true", "z/wanted false"]);
  });

  test("says of what could not be recorded that it failed, and tries again when it is asked for", async () => {
    let full = true;
    const { scan, replies } = await scanning([WANTED], {
      record() {
        if (full) throw new Error("the disk is full");
      },
    });
    await scan.first(WANTED, true);
    expect(replies).toEqual([{ failed: WANTED }]);
    full = false;
    await scan.first(WANTED, true);
    expect(replies.at(-1)).toEqual({ done: WANTED, held: true });
  });
});
