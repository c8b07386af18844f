import { describe, expect, test } from "bun:test";
import { type Fixture, image } from "../../test/support/image.ts";
import { type Blob, blob, json, mediaTypes } from "../../test/support/oci.ts";
import {
  EMPTY,
  type Tree,
  knownOf,
  newTree,
  read,
  served,
  takenFrom,
} from "../../test/support/stored-tree.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import type { Storage } from "../storage/storage.ts";
import {
  REPOSITORIES,
  blobPath,
  layerLink,
  layersPath,
  linkBytes,
  repositoryPath,
  revisionLink,
  revisionsPath,
  tagCurrentLink,
  tagsPath,
} from "../storage/tree.ts";

const APP = parseName("team/app");
const OTHER = parseName("other");

const one = image();
const two = image({ layers: 2 });
const elsewhere = image();
const ONE = parseDigest(one.digest);
const TWO = parseDigest(two.digest);
const LAYER = parseDigest(one.blobs[1]?.descriptor.digest ?? "");
const V1 = parseTag("v1");
const LARGE = blob(mediaTypes.layer, new Uint8Array(17 * 1024 * 1024));
const NAMELESS = json(mediaTypes.image, { schemaVersion: 2, layers: "none" });

interface Damage {
  readonly what: string;
  readonly does: (tree: Tree) => Promise<void>;
  /** Where it is reported. */
  readonly path: string;
  readonly problem: RegExp;
  /** What cannot be served because of it, as `served` writes it. */
  readonly costs: readonly RegExp[];
  /** What else is reported because of it. */
  readonly further?: readonly RegExp[];
}

const BLOB_ONE = new RegExp(`^team/app blob ${LAYER} `);
const MANIFEST_ONE = new RegExp(`^team/app manifest ${ONE} `);
const TAG_ONE = /^team\/app tag v1 /;
const TAG_OF_ONE = [/the tag names sha256:.* cannot serve/];

const DAMAGES: readonly Damage[] = [
  {
    what: "a layer's link that is empty",
    does: (tree) => tree.write(layerLink(APP, LAYER), ""),
    path: layerLink(APP, LAYER),
    problem: /empty or torn; it is taken for what its folder says/,
    costs: [],
  },
  {
    what: "a layer's link that is torn",
    does: (tree) => tree.write(layerLink(APP, LAYER), LAYER.slice(0, 30)),
    path: layerLink(APP, LAYER),
    problem: /empty or torn; it is taken for what its folder says/,
    costs: [],
  },
  {
    what: "a layer's link that names another",
    does: (tree) => tree.write(layerLink(APP, LAYER), TWO),
    path: layerLink(APP, LAYER),
    problem: new RegExp(`names ${TWO}; it is not followed`),
    costs: [BLOB_ONE],
  },
  {
    what: "a layer without its bytes",
    does: (tree) => tree.storage.delete(blobPath(LAYER)),
    path: layerLink(APP, LAYER),
    problem: /the bytes of sha256:.* are missing/,
    costs: [BLOB_ONE],
  },
  {
    what: "a layer's folder that is no digest",
    does: (tree) => tree.write(`${layersPath(APP)}/sha256/abc/link`, LAYER),
    path: `${layersPath(APP)}/sha256/abc`,
    problem: /not a digest/,
    costs: [],
  },
  {
    what: "a digest algorithm of another time",
    does: (tree) => tree.write(`${layersPath(APP)}/tarsum/v1/sha256/abc/link`, LAYER),
    path: `${layersPath(APP)}/tarsum`,
    problem: /algorithm is not known/,
    costs: [],
  },
  {
    what: "a manifest's link that is empty",
    does: (tree) => tree.write(revisionLink(APP, ONE), ""),
    path: revisionLink(APP, ONE),
    problem: /empty or torn; it is taken for what its folder says/,
    costs: [],
  },
  {
    what: "a manifest's link that names another",
    does: (tree) => tree.write(revisionLink(APP, ONE), TWO),
    path: revisionLink(APP, ONE),
    problem: new RegExp(`names ${TWO}; it is not followed`),
    costs: [MANIFEST_ONE, TAG_ONE],
    further: TAG_OF_ONE,
  },
  {
    what: "a manifest without its bytes",
    does: (tree) => tree.storage.delete(blobPath(ONE)),
    path: revisionLink(APP, ONE),
    problem: /the bytes of the manifest sha256:.* are missing/,
    costs: [MANIFEST_ONE, TAG_ONE],
    further: TAG_OF_ONE,
  },
  {
    what: "a manifest that was cut short",
    does: (tree) => tree.write(blobPath(ONE), one.bytes.slice(0, 50)),
    path: revisionLink(APP, ONE),
    problem: /the 50 bytes stored for sha256:.* are not those of its digest/,
    costs: [MANIFEST_ONE, TAG_ONE],
    further: TAG_OF_ONE,
  },
  {
    what: "a manifest of which one bit has changed",
    does: (tree) =>
      tree.write(
        blobPath(ONE),
        one.bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
      ),
    path: revisionLink(APP, ONE),
    problem: /not those of its digest/,
    costs: [MANIFEST_ONE, TAG_ONE],
    further: TAG_OF_ONE,
  },
  {
    what: "a layer in the place of a manifest",
    does: (tree) => tree.write(revisionLink(APP, LAYER), linkBytes(LAYER)),
    path: revisionLink(APP, LAYER),
    problem: /not a JSON object; it is not served/,
    costs: [],
  },
  {
    what: "a layer in the place of a manifest that is far too large for one",
    does: (tree) => putManifest(tree, LARGE),
    path: revisionLink(APP, digestOfBlob(LARGE)),
    problem: /has 17825792 bytes, too many for a manifest/,
    costs: [],
  },
  {
    what: "a manifest that does not say what it is",
    does: (tree) => putManifest(tree, NAMELESS),
    path: revisionLink(APP, digestOfBlob(NAMELESS)),
    problem: /does not say what it is; it is not served/,
    costs: [],
  },
  {
    what: "a tag's link that is empty",
    does: (tree) => tree.write(tagCurrentLink(APP, V1), ""),
    path: tagCurrentLink(APP, V1),
    problem: /empty or torn; the tag is not served/,
    costs: [TAG_ONE],
  },
  {
    what: "a tag's link that is torn",
    does: (tree) => tree.write(tagCurrentLink(APP, V1), ONE.slice(0, -1)),
    path: tagCurrentLink(APP, V1),
    problem: /empty or torn; the tag is not served/,
    costs: [TAG_ONE],
  },
  {
    what: "a tag that names nothing now",
    does: (tree) => tree.storage.delete(tagCurrentLink(APP, V1)),
    path: tagCurrentLink(APP, V1),
    problem: /has no current link/,
    costs: [TAG_ONE],
  },
  {
    what: "a tag that names a manifest of another repository",
    does: (tree) => tree.write(tagCurrentLink(APP, V1), elsewhere.digest),
    path: tagCurrentLink(APP, V1),
    problem: new RegExp(`names ${elsewhere.digest}, which this repository does not have`),
    costs: [TAG_ONE],
  },
  {
    what: "a tag that nobody could ask for",
    does: (tree) => tree.write(`${tagsPath(APP)}/-not a tag/current/link`, ONE),
    path: `${tagsPath(APP)}/-not a tag`,
    problem: /not a valid tag/,
    costs: [],
  },
];

describe("in a tree", () => {
  for (const { what, does, path, problem, costs, further = [] } of DAMAGES) {
    test(`${what} is reported, and costs nothing else`, async () => {
      const tree = await treeOfThree();
      const whole = served((await read(tree.storage)).recorded);

      await does(tree);
      const { report, recorded } = await read(tree.storage);

      expect(report.unread).toEqual([]);
      expect(report.problems).toContainEqual({
        repository: APP,
        path,
        problem: expect.stringMatching(problem),
      });
      const rest = report.problems.filter((other) => other.path !== path);
      expect(rest.map((other) => other.problem)).toEqual(
        further.map((pattern) => expect.stringMatching(pattern)),
      );
      const left = served(recorded);
      expect(left).toEqual(expect.arrayContaining(whole.filter((line) => !isIn(costs, line))));
      expect(left.filter((line) => isIn(costs, line))).toEqual([]);
      expect(whole.filter((line) => isIn(costs, line))).toHaveLength(costs.length);
    });
  }

  test("a repository that no client could ask for is reported, with all that is below it", async () => {
    const tree = await treeOfThree();
    const whole = served((await read(tree.storage)).recorded);
    await tree.write(`${REPOSITORIES}/Team/app/_layers/sha256/abc/link`, "");
    await tree.write(`${REPOSITORIES}/team/.hidden/_layers/sha256/abc/link`, "");

    const { report, recorded } = await read(tree.storage);

    expect(report.problems.map(({ path }) => path).toSorted()).toEqual([
      `${REPOSITORIES}/Team`,
      `${REPOSITORIES}/team/.hidden`,
    ]);
    expect(served(recorded)).toEqual(whole);
  });
});

test("a folder with a hundred thousand temporary files is reported in one line", async () => {
  const tree = await treeOfThree();
  const whole = served((await read(tree.storage)).recorded);
  const folder = `${layersPath(APP)}/sha256`;
  const crowded: Storage = {
    ...tree.storage,
    async *list(path) {
      for (let at = 0; path === folder && at < 100_000; at++) {
        yield { name: `link.${at}.tmp`, kind: "object" };
      }
      yield* tree.storage.list(path);
    },
  };
  const { report, recorded } = await read(crowded);
  expect(report.problems).toEqual([
    {
      repository: APP,
      path: `${folder}/link.0.tmp`,
      problem: expect.stringMatching(/^100000 files that do not belong here/),
    },
  ]);
  expect(served(recorded)).toEqual(whole);
});

test("a repository that is broken all over says so fifty times, and how often more", async () => {
  const tree = newTree();
  for (let at = 0; at < 60; at++) await tree.write(`${tagsPath(APP)}/t${at}/current/link`, "");
  const { report } = await read(tree.storage);
  expect(report.problems).toHaveLength(51);
  expect(report.problems.at(-1)?.problem).toBe("10 more problems are not listed");
});

describe("a medium that fails", () => {
  const places: Readonly<Record<string, readonly [string, readonly RegExp[]]>> = {
    "a layer's link": [layerLink(APP, LAYER), [BLOB_ONE]],
    "a layer's bytes": [blobPath(LAYER), [BLOB_ONE]],
    "a manifest's link": [revisionLink(APP, ONE), [MANIFEST_ONE, TAG_ONE]],
    "a manifest's bytes": [blobPath(ONE), [MANIFEST_ONE, TAG_ONE]],
    "a tag's link": [tagCurrentLink(APP, V1), [TAG_ONE]],
    "the list of layers": [`${layersPath(APP)}/sha256`, [/^team\/app blob /]],
    "the list of manifests": [revisionsPath(APP), [/^team\/app (?:manifest|tag) /]],
    "the list of tags": [tagsPath(APP), [/^team\/app tag /]],
    "the whole repository": [repositoryPath(APP), [/^team\/app /]],
  };
  for (const [place, [path, costs]] of Object.entries(places)) {
    test(`at ${place} costs just that, and it is said that it may be there`, async () => {
      const tree = await treeOfThree();
      const whole = served((await read(tree.storage)).recorded);

      const { report, recorded } = await read(failingAt(tree.storage, path));

      const left = whole.filter((line) => !isIn(costs, line));
      expect(served(recorded).toSorted()).toEqual(left.toSorted());
      expect(report.unread).toEqual([APP]);
      expect(report.problems).toContainEqual({
        repository: APP,
        path: expect.stringContaining(repositoryPath(APP)),
        problem: expect.stringMatching(/what is known of it stays \(EIO: .*\)/),
      });
    });

    test(`at ${place} takes nothing away from what is known`, async () => {
      const tree = await treeOfThree();
      const known = knownOf((await read(tree.storage)).recorded);

      const { report, recorded } = await read(failingAt(tree.storage, path), {}, known);

      const snapshot = recorded.get(APP);
      expect(takenFrom(known[APP] ?? EMPTY, snapshot)).toEqual([]);
      expect(report.unread).toEqual([APP]);
      // Either it is recorded that something may be missing there, or nothing is to be collected at all.
      if (report.unseen.length === 0) {
        expect(snapshot).toMatchObject({ hides: true, unreadable: [{}] });
      }
    });
  }

  test("at a folder of repositories keeps those below, and the rest is read", async () => {
    const tree = newTree();
    for (const name of ["a", "team/app", "z"]) await tree.put(parseName(name), image(), "v1");
    const known = { "team/app": EMPTY, gone: EMPTY };
    const failing = failingAt(tree.storage, `${REPOSITORIES}/team`);
    const { report, recorded } = await read(failing, {}, known);
    expect([...recorded.keys()].toSorted()).toEqual(["a", "gone", "z"]);
    expect(report.problems).toMatchObject([{ repository: "team", path: `${REPOSITORIES}/team` }]);
    expect(report.unread).toEqual(["team"]);
  });

  test("that is not there at all, as when a disk is not mounted, takes nothing away", async () => {
    const { report, recorded } = await read(
      newTree().storage,
      {},
      { [APP]: EMPTY, [OTHER]: EMPTY },
    );
    expect([...recorded]).toEqual([]);
    expect(report.problems).toEqual([
      {
        repository: "",
        path: REPOSITORIES,
        problem: expect.stringMatching(/there is no such folder, but repositories are known/),
      },
    ]);
    expect(report.unread).toEqual([""]);
  });
});

async function treeOfThree(): Promise<Tree> {
  const tree = newTree();
  await tree.put(APP, one, "v1");
  await tree.put(APP, two, "v2");
  await tree.put(OTHER, elsewhere, "v1");
  return tree;
}

async function putManifest(tree: Tree, manifest: Blob): Promise<void> {
  const digest = digestOfBlob(manifest);
  await tree.write(blobPath(digest), manifest.bytes);
  await tree.write(revisionLink(APP, digest), linkBytes(digest));
}

function digestOfBlob({ descriptor }: Pick<Fixture, "descriptor">): Digest {
  return parseDigest(descriptor.digest);
}

function isIn(patterns: readonly RegExp[], line: string): boolean {
  return patterns.some((pattern) => pattern.test(line));
}

/** A disk with one bad place. */
function failingAt(storage: Storage, bad: string): Storage {
  const guarded = (path: string): string => {
    if (path !== bad) return path;
    throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
  };
  return {
    ...storage,
    stat: async (path) => await storage.stat(guarded(path)),
    readSmall: async (path) => await storage.readSmall(guarded(path)),
    async *list(folder) {
      yield* storage.list(guarded(folder));
    },
  };
}
