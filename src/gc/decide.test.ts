import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { InventoryManifest, RepositoryInventory } from "../inventory/inventory.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { OCI_IMAGE } from "../oci/media-types.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { type GcPolicy, type Judged, decide } from "./decide.ts";

const NOW = 1_000_000;
const OLD = 1000;
const POLICY: GcPolicy = {
  now: NOW,
  seenBefore: NOW - 3600,
  untaggedBefore: NOW - 3600,
  protectedDigests: [],
  waitingUntil: null,
  removeEmpty: true,
};

function d(word: string): Digest {
  return digestOf(Buffer.from(word));
}

interface Short {
  readonly names?: readonly string[];
  readonly subject?: string;
  readonly pushedAt?: number;
  readonly seenAt?: number;
  readonly untaggedAt?: number | null;
}

function manifest(word: string, short: Short = {}): InventoryManifest {
  const { names = [], subject, pushedAt = OLD, seenAt = pushedAt, untaggedAt = null } = short;
  return {
    digest: d(word),
    mediaType: OCI_IMAGE,
    size: 100,
    pushedAt,
    seenAt,
    untaggedAt,
    subject: subject === undefined ? null : d(subject),
    artifactType: null,
    references: names.map((name) => ({ role: "layer", digest: d(name), size: 10 })),
  };
}

function repository(
  manifests: readonly InventoryManifest[],
  tags: Readonly<Record<string, string>> = {},
  links: Readonly<Record<string, number>> = {},
): RepositoryInventory {
  return {
    name: parseName("team/app"),
    manifests,
    tags: Object.entries(tags).map(([tag, word]) => ({
      tag: parseTag(tag),
      digest: d(word),
      pushedAt: OLD,
    })),
    links: Object.entries(links).map(([word, seenAt]) => ({ digest: d(word), size: 10, seenAt })),
    unreadable: [],
  };
}

function judged(inventory: RepositoryInventory, policy: Partial<GcPolicy> = {}): Judged {
  const verdict = decide(inventory, { ...POLICY, ...policy });
  if (verdict.whole) throw new Error(verdict.reason);
  return verdict;
}

/** The words of what goes, each with its reason. */
function goes(verdict: Judged, ...words: string[]): Record<string, string> {
  const all = [...verdict.manifests, ...verdict.links];
  const named = words.map((word) => [word, all.find(({ digest }) => digest === d(word))?.reason]);
  return Object.fromEntries(named.filter(([, reason]) => reason !== undefined)) as Record<
    string,
    string
  >;
}

describe("a manifest", () => {
  test("goes when no tag names it, with the layers that nothing else needs", () => {
    const verdict = judged(
      repository(
        [manifest("a", { names: ["l1", "l2"] }), manifest("b", { names: ["l2"] })],
        { v1: "b" },
        { l1: OLD, l2: OLD },
      ),
    );
    expect(goes(verdict, "a", "b", "l1", "l2")).toEqual({ a: "untagged", l1: "unneeded" });
    expect(verdict.kept).toMatchObject({ tagged: 1, needed: 1 });
  });

  test("stays for an index inside a tagged index", () => {
    const verdict = judged(
      repository(
        [
          manifest("image"),
          manifest("inner", { names: ["image"] }),
          manifest("outer", { names: ["inner"] }),
        ],
        { v1: "outer" },
      ),
    );
    expect(verdict.manifests).toEqual([]);
    expect(verdict.kept).toMatchObject({ tagged: 1, needed: 2 });
  });

  test("goes with the index that named it", () => {
    const verdict = judged(
      repository([manifest("image"), manifest("index", { names: ["image"] })]),
    );
    expect(goes(verdict, "image", "index")).toEqual({ image: "index-goes", index: "untagged" });
    expect(verdict.empty).toBe(true);
  });

  test("stays while it is young, with all it needs, and so does what refers to it", () => {
    const young = manifest("a", { names: ["l"], pushedAt: NOW - 10 });
    const verdict = judged(repository([young, manifest("sig", { subject: "a" })], {}, { l: OLD }));
    expect(verdict).toMatchObject({ manifests: [], links: [] });
  });

  test("stays for as long as its tag went away a moment ago, or somebody pulled it", () => {
    const untagged = manifest("a", { untaggedAt: NOW - 10 });
    const pulled = manifest("b", { seenAt: NOW - 10 });
    expect(judged(repository([untagged, pulled])).manifests).toEqual([]);
  });

  test("of which a time lies in the future is young", () => {
    const verdict = judged(repository([manifest("a", { pushedAt: NOW * 2 })], {}, { l: NOW * 2 }));
    expect(verdict).toMatchObject({ manifests: [], links: [], kept: { young: 2 } });
  });

  test("stays when it is protected, when all untagged ones do, or while it waits for a yes", () => {
    const inventory = repository([manifest("a", { names: ["l"] })], {}, { l: OLD });
    expect(judged(inventory, { protectedDigests: [d("a")] }).manifests).toEqual([]);
    expect(judged(inventory, { untaggedBefore: null }).links).toEqual([]);
    expect(judged(inventory, { waitingUntil: OLD })).toMatchObject({
      manifests: [],
      links: [],
    });
    expect(judged(inventory, { waitingUntil: OLD - 1 }).manifests).toHaveLength(1);
  });
});

describe("a referrer", () => {
  test("of a live manifest stays, and a chain of them", () => {
    const chain = [
      manifest("a"),
      manifest("sbom", { subject: "a" }),
      manifest("sig", { subject: "sbom" }),
    ];
    expect(judged(repository(chain, { v1: "a" })).manifests).toEqual([]);
  });

  test("goes when its subject is not there, or goes too", () => {
    const verdict = judged(
      repository([
        manifest("a"),
        manifest("sbom", { subject: "a" }),
        manifest("astray", { subject: "nowhere" }),
      ]),
    );
    expect(goes(verdict, "a", "sbom", "astray")).toEqual({
      a: "untagged",
      sbom: "subject-goes",
      astray: "subject-missing",
    });
  });

  test("that has a tag stays, and does not keep its subject", () => {
    const verdict = judged(
      repository([manifest("a"), manifest("sig", { subject: "a" })], { "sha256-x.sig": "sig" }),
    );
    expect(goes(verdict, "a", "sig")).toEqual({ a: "untagged" });
  });
});

describe("a layer link", () => {
  test("stays while it is young, whoever needs it", () => {
    expect(
      judged(repository([], {}, { l: NOW - 10, m: OLD })).links.map(({ digest }) => digest),
    ).toEqual([d("m")]);
  });

  test("whose bytes are missing stays for whoever needs it, and goes otherwise", () => {
    const base = repository([manifest("a", { names: ["l"] })], { v1: "a" });
    const links = ["l", "m"].map((word) => ({ digest: d(word), size: null, seenAt: OLD }));
    expect(goes(judged({ ...base, links }), "l", "m")).toEqual({ m: "bytes-missing" });
  });
});

describe("all of a repository is kept", () => {
  test("when anything in it could not be read", () => {
    const unreadable = [{ path: "x/link", problem: "the link is empty" }];
    expect(decide({ ...repository([manifest("a")]), unreadable }, POLICY)).toEqual({
      whole: true,
      reason: "x/link: the link is empty",
    });
  });

  test("when a tag names what is not there", () => {
    expect(decide(repository([manifest("a")], { v1: "gone" }), POLICY)).toMatchObject({
      whole: true,
    });
  });
});

const WORDS = ["a", "b", "c", "d", "e", "f", "g"];
const LAYERS = ["k", "l", "m", "n"];
const time = fc.constantFrom(OLD, NOW - 3601, NOW - 3600, NOW - 10, NOW + 10);
/** Any graph, circles, selves and dangling names included. */
const inventories = fc
  .record({
    manifests: fc.uniqueArray(
      fc.record({
        word: fc.constantFrom(...WORDS),
        names: fc.array(fc.constantFrom(...WORDS, ...LAYERS), { maxLength: 4 }),
        subject: fc.option(fc.constantFrom(...WORDS), { nil: undefined, freq: 2 }),
        pushedAt: fc.oneof(
          { weight: 4, arbitrary: fc.constant(OLD) },
          { weight: 1, arbitrary: time },
        ),
      }),
      { selector: ({ word }) => word },
    ),
    tags: fc.array(fc.nat(6), { maxLength: 2 }),
    links: fc.dictionary(fc.constantFrom(...WORDS, ...LAYERS), time),
  })
  .map(({ manifests, tags, links }) => {
    const named = tags.flatMap((at) => manifests[at]?.word ?? []);
    return repository(
      manifests.map(({ word, subject, ...short }) =>
        manifest(word, subject === undefined ? short : { ...short, subject }),
      ),
      Object.fromEntries(named.map((word, at) => [`v${at}`, word])),
      links,
    );
  });

/** The same question asked backwards: is there a way up, through parents and subject, to a root? */
function isKept(
  { tags, manifests }: RepositoryInventory,
  digest: Digest,
  seen = new Set<Digest>(),
): boolean {
  if (seen.has(digest)) return false;
  seen.add(digest);
  const own = manifests.find((one) => one.digest === digest);
  if (!own) return false;
  if (tags.some((tag) => tag.digest === digest) || own.pushedAt >= POLICY.seenBefore) return true;
  const above = manifests.filter(({ references }) =>
    references.some((one) => one.digest === digest),
  );
  return [...above.map((one) => one.digest), ...(own.subject ? [own.subject] : [])].some((one) =>
    isKept({ tags, manifests } as RepositoryInventory, one, seen),
  );
}

describe("of any repository", () => {
  test("exactly what no way up leads from to a root goes", () => {
    fc.assert(
      fc.property(inventories, (inventory) => {
        const gone = new Set(judged(inventory).manifests.map(({ digest }) => digest));
        for (const { digest } of inventory.manifests) {
          expect(gone.has(digest)).toBe(!isKept(inventory, digest));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("what a kept manifest names stays, and every old link goes that none names", () => {
    fc.assert(
      fc.property(inventories, (inventory) => {
        const { keptManifests, links } = judged(inventory);
        const kept = inventory.manifests.filter(({ digest }) => keptManifests.has(digest));
        const named = new Set(kept.flatMap((one) => one.references.map(({ digest }) => digest)));
        const doomed = new Set(links.map(({ digest }) => digest));
        for (const { digest, seenAt } of inventory.links) {
          expect(doomed.has(digest)).toBe(!named.has(digest) && seenAt < POLICY.seenBefore);
        }
      }),
    );
  });

  test("what stays would stay in a second collection, and nothing more would go", () => {
    fc.assert(
      fc.property(inventories, (inventory) => {
        const { keptManifests, keptLinks } = judged(inventory);
        const after = judged({
          ...inventory,
          manifests: inventory.manifests.filter(({ digest }) => keptManifests.has(digest)),
          links: inventory.links.filter(({ digest }) => keptLinks.has(digest)),
        });
        expect(after).toMatchObject({ manifests: [], links: [] });
      }),
    );
  });

  test("the order in which it was read is of no matter, and a longer grace takes no more", () => {
    fc.assert(
      fc.property(inventories, fc.nat(7200), (inventory, more) => {
        const sorted = (verdict: Judged): Digest[] =>
          [...verdict.manifests, ...verdict.links].map(({ digest }) => digest).toSorted();
        const reversed = {
          ...inventory,
          manifests: inventory.manifests.toReversed(),
          links: inventory.links.toReversed(),
        };
        const before = sorted(judged(inventory));
        expect(sorted(judged(reversed))).toEqual(before);
        const longer = {
          seenBefore: POLICY.seenBefore - more,
          untaggedBefore: POLICY.seenBefore - more,
        };
        expect(before).toEqual(expect.arrayContaining(sorted(judged(inventory, longer))));
      }),
    );
  });
});
