import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Digest, digestOf } from "../oci/digest.ts";
import { OCI_IMAGE } from "../oci/media-types.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import type { InventoryManifest, RepositoryInventory } from "./inventory.ts";
import { UsageCount } from "./usage.ts";

const digest = (text: string): Digest => digestOf(new TextEncoder().encode(text));

/** Layers by number: the size of each is its number. */
const layer = (n: number): Digest => digest(`layer ${n}`);
const MANIFEST_SIZE = 1000;

interface Sketch {
  /** Manifest number to its layers, child manifests, and subject. */
  readonly manifests: readonly {
    readonly id: number;
    readonly layers: readonly number[];
    readonly children?: readonly number[];
    readonly subject?: number | null;
  }[];
  readonly tags: Readonly<Record<string, number>>;
  readonly strays?: readonly number[];
}

const manifestDigest = (id: number): Digest => digest(`manifest ${id}`);

function inventory(name: string, { manifests, tags, strays = [] }: Sketch): RepositoryInventory {
  const linked = new Set([...strays, ...manifests.flatMap(({ layers }) => layers)]);
  return {
    name: parseName(name),
    tags: Object.entries(tags).map(([tag, id]) => ({
      tag: parseTag(tag),
      digest: manifestDigest(id),
      pushedAt: 0,
    })),
    manifests: manifests.map(
      ({ id, layers, children = [], subject = null }): InventoryManifest => ({
        digest: manifestDigest(id),
        mediaType: OCI_IMAGE,
        size: MANIFEST_SIZE,
        pushedAt: 0,
        seenAt: 0,
        untaggedAt: null,
        subject: subject === null ? null : manifestDigest(subject),
        artifactType: null,
        references: [
          ...layers.map((n) => ({ role: "layer" as const, digest: layer(n), size: n })),
          ...children.map((n) => ({
            role: "child" as const,
            digest: manifestDigest(n),
            size: MANIFEST_SIZE,
          })),
        ],
      }),
    ),
    links: [...linked].map((n) => ({ digest: layer(n), size: n, seenAt: 0 })),
    unreadable: [],
  };
}

function counted(...inventories: RepositoryInventory[]) {
  const count = new UsageCount();
  for (const one of inventories) count.add(one);
  const usage = count.finish();
  const repositories = [...usage.repositories()];
  return { totals: usage.totals, folders: usage.folders(), repositories };
}

const lines = (entries: ReturnType<typeof counted>["repositories"][number]["entries"]) =>
  entries.map(({ kind, tag, total, unique, shared }) => [
    String(tag ?? kind),
    total,
    unique,
    shared,
  ]);

describe("the bytes of a repository", () => {
  test("are counted once, whichever tags share them, and a tag's own are what goes with it", () => {
    const { repositories, totals } = counted(
      inventory("app", {
        manifests: [
          { id: 1, layers: [10, 200] },
          { id: 2, layers: [10, 400] },
        ],
        tags: { a: 1, b: 2 },
      }),
    );

    expect(lines(repositories[0]!.entries)).toEqual([
      ["a", 1210, 1200, 10],
      ["b", 1410, 1400, 10],
    ]);
    expect(repositories[0]!.repository).toMatchObject({ total: 2610, unique: 2610, shared: 0 });
    expect(totals).toMatchObject({ bytes: 2610, sharedBytes: 0, blobs: 5, tags: 2, manifests: 2 });
  });

  test("are shared with the repositories that hold them too", () => {
    const { repositories, totals } = counted(
      inventory("app", { manifests: [{ id: 1, layers: [10, 20] }], tags: { a: 1 } }),
      inventory("copy", { manifests: [{ id: 1, layers: [10, 20] }], tags: { a: 1 } }),
      inventory("other", { manifests: [{ id: 2, layers: [10] }], tags: { a: 2 } }),
    );

    expect(repositories.map(({ repository: { unique, shared } }) => [unique, shared])).toEqual([
      [0, 1030],
      [0, 1030],
      [1000, 10],
    ]);
    expect(totals).toMatchObject({ bytes: 2030, sharedBytes: 1030 });
  });

  test("of two tags on one manifest belong to neither alone", () => {
    const { repositories } = counted(
      inventory("app", { manifests: [{ id: 1, layers: [10] }], tags: { a: 1, b: 1 } }),
    );

    expect(lines(repositories[0]!.entries)).toEqual([
      ["a", 1010, 0, 1010],
      ["b", 1010, 0, 1010],
    ]);
  });

  test("follow an index to its children, and a subject to its referrers", () => {
    const { repositories } = counted(
      inventory("app", {
        manifests: [
          { id: 1, layers: [1] },
          { id: 2, layers: [2] },
          { id: 3, layers: [], children: [1, 2] },
          { id: 4, layers: [4], subject: 1 },
        ],
        tags: { multi: 3, one: 1 },
      }),
    );

    expect(lines(repositories[0]!.entries)).toEqual([
      ["multi", 4007, 2002, 2005],
      ["one", 2005, 0, 2005],
    ]);
  });

  test("that no tag keeps, and links that no manifest needs, are lines of their own", () => {
    const { repositories } = counted(
      inventory("app", {
        manifests: [
          { id: 1, layers: [10, 20] },
          { id: 2, layers: [20, 30] },
        ],
        tags: { a: 1, dangling: 9 },
        strays: [7],
      }),
    );

    expect(lines(repositories[0]!.entries)).toEqual([
      ["a", 1030, 1010, 20],
      ["dangling", 0, 0, 0],
      ["untagged", 1050, 1030, 20],
      ["unreferenced", 7, 7, 0],
    ]);
  });
});

test("a folder has what its repositories share once, and as its own", () => {
  const one = (name: string, ...layers: number[]) =>
    inventory(name, { manifests: [], tags: {}, strays: layers });

  const { folders } = counted(
    one("team", 1),
    one("team-x", 1000),
    one("team/a", 10, 100),
    one("team/b/c", 10, 100, 1000),
  );

  expect(
    folders.map(({ path, repositories, total, unique }) => [path, repositories, total, unique]),
  ).toEqual([
    ["", 4, 1111, 1111],
    ["team", 3, 1111, 111],
    ["team/b", 1, 1110, 0],
  ]);
});

test("what no repository has stands apart", () => {
  const count = new UsageCount();
  count.add(inventory("app", { manifests: [], tags: {}, strays: [5] }));
  count.addUnlinked(3);
  count.addUnlinked(4);

  expect(count.has(layer(5))).toBe(true);
  expect(count.has(layer(6))).toBe(false);
  expect(count.finish().totals).toMatchObject({ bytes: 5, unlinked: { blobs: 2, bytes: 7 } });
});

const sketch = fc
  .record({
    layers: fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }), { maxLength: 6 }),
    parents: fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 4 }),
    subjects: fc.array(fc.option(fc.nat(5), { nil: null }), { minLength: 6, maxLength: 6 }),
    tags: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.nat(6)),
    strays: fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 3 }),
  })
  .map(({ layers, parents, subjects, tags, strays }): Sketch => ({
    manifests: layers.map((those, id) => ({
      id,
      layers: those,
      children: parents.filter(([parent]) => parent === id).map(([, child]) => child),
      subject: subjects[id] ?? null,
    })),
    tags,
    strays,
  }));
const NAMES = ["a", "a-b", "a/b", "a/b/c", "a/d", "e/f", "g"];
const registries = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
    fc.array(sketch, { minLength: 7, maxLength: 7 }),
  )
  .map(([names, sketches]) => names.map((name, at) => inventory(name, sketches[at]!)));

/** All that a repository holds, with sizes. */
const held = ({ links, manifests }: RepositoryInventory): Map<Digest, number> =>
  new Map([...links, ...manifests].map(({ digest: of, size }) => [of, size ?? 0]));
const sum = (sizes: Iterable<number>): number => [...sizes].reduce((a, b) => a + b, 0);
const union = (those: readonly RepositoryInventory[]): number =>
  sum(new Map(those.flatMap((one) => [...held(one)])).values());

test("of any registry, what repositories have alone and what they share once is all that is stored", () => {
  fc.assert(
    fc.property(registries, (inventories) => {
      const { totals, repositories } = counted(...inventories);
      const alone = sum(repositories.map(({ repository }) => repository.unique));

      expect(totals.bytes).toBe(union(inventories));
      expect(alone + totals.sharedBytes).toBe(totals.bytes);
    }),
  );
});

test("of any registry, what goes with a repository or a folder is what is not stored without it", () => {
  fc.assert(
    fc.property(registries, (inventories) => {
      const { repositories, folders } = counted(...inventories);
      for (const { repository } of repositories) {
        const others = inventories.filter(({ name }) => name !== repository.name);
        expect(repository.unique).toBe(union(inventories) - union(others));
        expect(repository.total).toBe(
          sum(held(inventories.find(({ name }) => name === repository.name)!).values()),
        );
      }
      for (const { path, total, unique } of folders) {
        const isIn = ({ name }: RepositoryInventory): boolean =>
          path === "" || name === path || name.startsWith(`${path}/`);
        expect(total).toBe(union(inventories.filter(isIn)));
        expect(unique).toBe(union(inventories) - union(inventories.filter((one) => !isIn(one))));
      }
    }),
  );
});

test("of any registry, what goes with a tag is what nothing else of its repository reaches, and no other has", () => {
  fc.assert(
    fc.property(registries, (inventories) => {
      const { repositories } = counted(...inventories);
      for (const [at, { entries }] of repositories.entries()) {
        const mine = inventories[at]!;
        const without = (tag: string): number => {
          const rest = { ...mine, tags: mine.tags.filter((one) => one.tag !== tag) };
          const lost = entries.find((one) => one.tag === tag)!;
          const kept = reached(
            rest,
            mine.manifests
              .filter((one) => !reached(mine, []).has(one.digest))
              .map((one) => one.digest),
          );
          const manifestsOfTag = reached(
            { ...mine, tags: mine.tags.filter((one) => one.tag === tag) },
            [],
          );
          const others = new Set(
            inventories.filter((one) => one !== mine).flatMap((one) => [...held(one).keys()]),
          );
          const gone = [...manifestsOfTag].filter((of) => !kept.has(of) && !others.has(of));
          expect(lost.total).toBe(sum([...manifestsOfTag].map((of) => held(mine).get(of)!)));
          return sum(gone.map((of) => held(mine).get(of)!));
        };
        for (const entry of entries) {
          if (entry.tag !== null) expect(entry.unique).toBe(without(entry.tag));
        }
      }
    }),
  );
});

/** All that tags and these roots keep, by a search that goes on until nothing is added. */
function reached({ manifests, tags, links }: RepositoryInventory, roots: readonly Digest[]) {
  const here = new Set([...manifests, ...links].map((one) => one.digest));
  const found = new Set(
    [...roots, ...tags.map((one) => one.digest)].filter((one) => here.has(one)),
  );
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const { digest: of, subject, references } of manifests) {
      if (subject !== null && found.has(subject)) found.add(of);
      if (!found.has(of)) continue;
      for (const reference of references)
        if (here.has(reference.digest)) found.add(reference.digest);
    }
  }
  return found;
}
