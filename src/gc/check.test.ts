import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { type Fixture, image, index } from "../../test/support/image.ts";
import { NOW, type Tree, newTree } from "../../test/support/stored-tree.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { readTree } from "../metadata/read-tree.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { blobPath, layerLink, layerPath, revisionLink, tagCurrentLink } from "../storage/tree.ts";
import { type CheckOptions, checkRegistry } from "./check.ts";
import type { Checked, Finding } from "./finding.ts";

const APP = parseName("team/app");
const OTHER = parseName("other");

let folder: Folder;
let tree: Tree;
let metadata: Metadata;

beforeEach(async () => {
  folder = await temporaryFolder();
  tree = newTree();
  metadata = await openSqlite(folder.at("metadata.sqlite"));
});
afterEach(async () => {
  await metadata.close();
  await folder[Symbol.asyncDispose]();
});

/** The tables say what the tree says now. */
async function recorded(): Promise<void> {
  await readTree(tree.storage, metadata, { now: () => NOW });
}

async function check(options: Partial<CheckOptions> = {}) {
  const findings: Finding[] = [];
  let done: Checked | null = null;
  const settings = { verifyBytes: false, sparse: false, settle: null, ...options };
  for await (const event of checkRegistry(
    { metadata, storage: tree.storage, trash: metadata },
    settings,
  )) {
    if ("finding" in event) findings.push(event.finding);
    if ("done" in event) done = event.done;
  }
  return { findings, done: done! };
}

const layerOf = (fixture: Fixture): Digest => parseDigest(fixture.blobs[1]!.descriptor.digest);
const digestOf = (fixture: Fixture): Digest => parseDigest(fixture.digest);

/** One finding of its kind, with its images, its digest and the beginning of what it says. */
const told = (findings: readonly Finding[]) =>
  findings.map(({ kind, images, digest, problem }) => [kind, images.toSorted(), digest, problem]);

describe("a check finds nothing", () => {
  test("in an empty registry", async () => {
    await recorded();

    expect((await check({ verifyBytes: true })).findings).toEqual([]);
  });

  test("where all is well, and says how much it looked at", async () => {
    const shared = image({ layers: 2 });
    const multi = index([image(), image()]);
    await tree.put(APP, shared, "1", "latest");
    await tree.put(APP, multi, "multi");
    await tree.put(APP, image({ subject: shared.descriptor }));
    await tree.put(OTHER, shared, "copy");
    await recorded();

    const { findings, done } = await check({ verifyBytes: true });

    expect(findings).toEqual([]);
    expect(done).toMatchObject({ repositories: 2, tags: 4, manifests: 6, blobs: 12, files: 14 });
  });
});

describe("a check names the images that cannot be pulled", () => {
  test("when the bytes of a layer are missing, also those that share it, and no other", async () => {
    const one = image();
    const multi = index([one, image()]);
    await tree.put(APP, one, "a", "b");
    await tree.put(APP, multi, "multi");
    await tree.put(APP, image(), "whole");
    await recorded();
    await tree.storage.delete(blobPath(layerOf(one)));

    expect(told((await check()).findings)).toEqual([
      [
        "broken",
        ["team/app:a", "team/app:b", "team/app:multi"],
        layerOf(one),
        "its bytes are missing",
      ],
    ]);
  });

  test("in every repository that has them", async () => {
    const one = image();
    await tree.put(APP, one, "1");
    await tree.put(OTHER, one, "2");
    await recorded();
    await tree.storage.delete(blobPath(layerOf(one)));

    const { findings } = await check();

    expect(findings.map(({ images }) => images)).toEqual([["other:2"], ["team/app:1"]]);
  });

  test("when a layer has another size than recorded", async () => {
    const one = image({ size: 100 });
    await tree.put(APP, one, "1");
    await recorded();
    await tree.write(blobPath(layerOf(one)), "short");

    expect(told((await check()).findings)).toEqual([
      ["broken", ["team/app:1"], layerOf(one), "it has 5 bytes instead of 100"],
    ]);
  });

  test("when a bit of a layer has changed, if every byte is read", async () => {
    const one = image({ size: 5 });
    await tree.put(APP, one, "1");
    await recorded();
    await tree.write(blobPath(layerOf(one)), "wrong");

    expect((await check()).findings).toEqual([]);
    const { findings } = await check({ verifyBytes: true });

    expect(told(findings)).toEqual([
      ["broken", ["team/app:1"], layerOf(one), "its bytes are not those of its digest"],
    ]);
  });

  test("when a layer is not linked any more, though its bytes are there", async () => {
    const one = image();
    await tree.put(APP, one, "1");
    await tree.storage.delete(layerPath(APP, layerOf(one)));
    await recorded();

    const { findings } = await check();

    expect(findings.map(({ kind, images }) => [kind, images])).toEqual([
      ["broken", ["team/app:1"]],
    ]);
    expect(findings[0]?.problem).toContain("this repository does not have it");
    expect((await check({ sparse: true })).findings).toEqual([]);
  });

  test("when a child of an index is gone", async () => {
    const child = image();
    const multi = index([child, image()]);
    await tree.put(APP, multi, "multi");
    await tree.storage.delete(revisionLink(APP, digestOf(child)));
    await recorded();

    const { findings } = await check();

    expect(findings.map(({ kind, images, digest }) => [kind, images, digest])).toEqual([
      ["broken", ["team/app:multi"], digestOf(child)],
    ]);
  });

  test("by their digest when they have no tag", async () => {
    const one = image();
    await tree.put(APP, one);
    await recorded();
    await tree.storage.delete(blobPath(layerOf(one)));

    expect((await check()).findings[0]?.images).toEqual([`team/app@${one.digest}`]);
  });

  test("when a tag of the tree names a manifest whose bytes are missing", async () => {
    const one = image();
    await tree.put(APP, one, "1");
    await tree.storage.delete(blobPath(digestOf(one)));
    await recorded();

    const { findings } = await check();

    expect(findings.filter(({ kind }) => kind === "broken").map(({ images }) => images)).toEqual([
      ["team/app:1"],
    ]);
  });

  test("when the link of a tag is torn", async () => {
    await tree.put(APP, image(), "1");
    await tree.write(tagCurrentLink(APP, parseTag("1")), "");
    await recorded();

    expect(told((await check()).findings)).toEqual([
      ["broken", ["team/app:1"], null, "the tag's link is empty or torn"],
    ]);
  });
});

describe("a check tells what does not matter from what does", () => {
  test("a damaged layer that no image needs", async () => {
    const one = image();
    const stray = image();
    await tree.put(APP, one, "1");
    await tree.write(blobPath(layerOf(stray)), "anything");
    await tree.write(layerLink(APP, layerOf(stray)), layerOf(stray));
    await recorded();

    const { findings } = await check({ verifyBytes: true });

    expect(findings.map(({ kind, repository }) => [kind, repository])).toEqual([["unused", APP]]);
  });

  test("a damaged blob that no repository has", async () => {
    const stray = layerOf(image());
    await tree.write(blobPath(stray), "anything");
    await recorded();

    const { findings } = await check({ verifyBytes: true });

    expect(told(findings)).toEqual([
      ["unused", [], stray, "its bytes are not those of its digest"],
    ]);
  });
});

describe("a check notices that tree and metadata differ", () => {
  const differences = async (): Promise<string[]> => {
    const { findings } = await check();
    expect(findings.filter(({ kind }) => kind !== "tree")).toEqual([]);
    return findings.map(({ path, problem }) => `${path}: ${problem}`).toSorted();
  };

  test("in a link that is missing", async () => {
    const one = image();
    await tree.put(APP, one, "1");
    await recorded();
    await tree.storage.delete(layerLink(APP, layerOf(one)));
    await tree.storage.delete(revisionLink(APP, digestOf(one)));
    await tree.storage.delete(blobPath(digestOf(one)));

    expect(await differences()).toEqual(
      [
        `${layerLink(APP, layerOf(one))}: the tree lacks this link`,
        `${revisionLink(APP, digestOf(one))}: the tree lacks this link`,
        `${blobPath(digestOf(one))}: its bytes are missing`,
      ].toSorted(),
    );
  });

  test("in a tag that was moved, added or removed by somebody else", async () => {
    const [one, two] = [image(), image()];
    await tree.put(APP, one, "moved", "gone");
    await tree.put(APP, two, "two");
    await recorded();
    await tree.write(tagCurrentLink(APP, parseTag("moved")), two.digest);
    await tree.storage.delete(tagCurrentLink(APP, parseTag("gone")));

    expect(await differences()).toHaveLength(2);
  });

  test("in a repository that only the tree has", async () => {
    await recorded();
    await tree.put(APP, image(), "1");

    expect(await differences()).toEqual([
      "docker/registry/v2/repositories/team/app: the metadata does not know this repository",
    ]);
  });
});

test("what cannot be read is not taken for absent, and the rest is checked", async () => {
  const one = image();
  await tree.put(APP, image(), "1");
  await tree.put(OTHER, one, "2");
  await recorded();
  await tree.storage.delete(blobPath(layerOf(one)));
  const { storage } = tree;
  const stat: typeof storage.stat = async (path) => {
    if (path.includes("/team/app/")) throw Object.assign(new Error("EIO"), { code: "EIO" });
    return await storage.stat(path);
  };
  tree = { ...tree, storage: { ...storage, stat } };

  const { findings } = await check();

  expect(findings.map(({ kind, repository }) => [kind, repository])).toEqual([
    ["broken", OTHER],
    ["unread", APP],
  ]);
});

test("a change that was half seen is not reported: what both looks found is", async () => {
  const [one, two] = [image(), image()];
  await tree.put(APP, one, "1");
  await tree.put(APP, two, "2");
  await recorded();
  await tree.storage.delete(blobPath(layerOf(one)));
  await tree.storage.delete(blobPath(layerOf(two)));

  const { findings } = await check({
    settle: async () => {
      await tree.write(blobPath(layerOf(one)), one.blobs[1]!.bytes);
    },
  });

  expect(findings.map(({ images }) => images)).toEqual([["team/app:2"]]);
});

test("the tree is waited for once, however many repositories have a finding", async () => {
  const names = Array.from({ length: 20 }, (_, at) => parseName(`r${at}`));
  const fixtures = names.map(() => image());
  for (const [at, name] of names.entries()) await tree.put(name, fixtures[at]!, "1");
  await recorded();
  for (const fixture of fixtures) await tree.storage.delete(blobPath(layerOf(fixture)));
  let waited = 0;

  const { findings, done } = await check({ settle: async () => void waited++ });

  expect(waited).toBe(1);
  expect(findings).toHaveLength(20);
  expect(done.repositories).toBe(20);
});

test("it ends although every look at a repository finds another that has come", async () => {
  await tree.put(APP, image(), "1");
  await recorded();
  let came = 0;
  const inner = { ...metadata };
  metadata.listBlobs = async (...of) => {
    const name = parseName(`z${String(came++).padStart(9, "0")}`);
    await metadata.linkBlob(name, { digest: layerOf(image()), size: 1 }, NOW, new Uint8Array(1));
    return await inner.listBlobs(...of);
  };

  expect((await check()).done.repositories).toBe(1);
});

test("a diamond of indexes is walked once for each image, not once for each way", async () => {
  const bottom = image();
  let below: Fixture[] = [bottom];
  for (let level = 0; level < 30; level++) {
    below = ["left", "right"].map((side) => index(below, { annotations: { side } }));
  }
  const put = new Set<string>();
  const putOnce = async (fixture: Fixture): Promise<void> => {
    if (put.has(fixture.digest)) return;
    put.add(fixture.digest);
    for (const child of fixture.children) await putOnce(child);
    await tree.put(APP, { ...fixture, children: [] });
  };
  const top = index(below);
  await putOnce(top);
  await tree.put(APP, { ...top, children: [] }, "top");
  await recorded();
  await tree.storage.delete(blobPath(layerOf(bottom)));

  expect((await check()).findings.map(({ images }) => images)).toEqual([["team/app:top"]]);
});
