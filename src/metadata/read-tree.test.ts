import { describe, expect, test } from "bun:test";
import { image, index } from "../../test/support/image.ts";
import { blob, json, mediaTypes, randomBytes } from "../../test/support/oci.ts";
import { EMPTY, NOW, WRITTEN, newTree, read, served } from "../../test/support/stored-tree.ts";
import { parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { REPOSITORIES, revisionLink, revisionsPath } from "../storage/tree.ts";
import { readTree } from "./read-tree.ts";

const APP = parseName("team/app");
const OTHER = parseName("other");
const FINE = { problems: [], unread: [], unseen: [] };

describe("reading a tree", () => {
  test("finds images, indexes and artifacts, with what they name and when they came", async () => {
    let now = WRITTEN;
    const tree = newTree(() => now);
    const child = image({ layers: 2, platform: { os: "linux", architecture: "arm64" } });
    const all = index([child]);
    const signature = image({ artifactType: "application/x.signature", subject: all.descriptor });
    await tree.put(APP, all, "v1", "latest");
    now = WRITTEN + 1000;
    await tree.put(APP, signature);

    const { report, recorded } = await read(tree.storage);

    expect(report).toEqual({
      repositories: 1,
      changed: 1,
      manifests: 3,
      tags: 2,
      blobs: 5,
      ...FINE,
    });
    const { manifests = [], tags = [], blobs = [] } = recorded.get(APP) ?? {};
    const found = Object.fromEntries(manifests.map((manifest) => [manifest.digest, manifest]));
    expect(found[all.digest]).toMatchObject({
      mediaType: mediaTypes.index,
      pushedAt: WRITTEN,
      references: [{ role: "child", digest: child.digest, size: child.bytes.length }],
    });
    expect(found[child.digest]?.references.map(({ role }) => role)).toEqual([
      "config",
      "layer",
      "layer",
    ]);
    expect(found[signature.digest]).toMatchObject({
      subject: all.digest,
      artifactType: "application/x.signature",
      pushedAt: WRITTEN + 1000,
    });
    expect(Buffer.from(found[all.digest]?.bytes ?? "").equals(all.bytes)).toBe(true);
    expect(tags.map(({ tag }) => tag as string).toSorted()).toEqual(["latest", "v1"]);
    expect(new Set(tags.map(({ pushedAt }) => pushedAt))).toEqual(new Set([WRITTEN]));
    expect(blobs).toContainEqual({
      digest: parseDigest(child.blobs[1]?.descriptor.digest ?? ""),
      size: child.blobs[1]?.bytes.length ?? 0,
      linkedAt: WRITTEN,
    });
  });

  test("finds repositories inside of repositories, and none where nothing was ever stored", async () => {
    const tree = newTree();
    for (const name of ["a", "a/b", "a/b/c", "x/y"]) await tree.put(parseName(name), image(), "1");
    await tree.write(`${REPOSITORIES}/begun/_uploads/0193/data`, "half");
    await tree.write(`${REPOSITORIES}/a/_uploads/0193/data`, "half");
    await tree.write(`${REPOSITORIES}/.DS_Store`, "of a file manager");
    const { report, recorded } = await read(tree.storage);
    expect([...recorded.keys()].toSorted()).toEqual(["a", "a/b", "a/b/c", "x/y"]);
    expect(report.problems).toEqual([]);
  });

  test("of a folder that holds none finds nothing", async () => {
    const { report } = await read(newTree().storage);
    expect(report).toEqual({
      repositories: 0,
      changed: 0,
      manifests: 0,
      tags: 0,
      blobs: 0,
      ...FINE,
    });
  });

  test("knows sha512", async () => {
    const tree = newTree();
    const layer = blob(mediaTypes.layer, randomBytes(100));
    const sha512 = (bytes: Uint8Array): string =>
      `sha512:${new Bun.CryptoHasher("sha512").update(bytes).digest("hex")}`;
    const config = { ...json(mediaTypes.config, {}) };
    const long = { ...layer, descriptor: { ...layer.descriptor, digest: sha512(layer.bytes) } };
    const manifest = json(mediaTypes.image, {
      schemaVersion: 2,
      config: config.descriptor,
      layers: [long.descriptor],
    });
    const digest = sha512(manifest.bytes);
    const fixture = { ...image(), blobs: [config, long], bytes: manifest.bytes, digest };
    await tree.put(APP, fixture, "v1");

    const { report, recorded } = await read(tree.storage);

    expect(report.problems).toEqual([]);
    expect(served(recorded)).toContain(`${APP} tag v1 ${digest}`);
    expect(served(recorded)).toContain(`${APP} blob ${long.descriptor.digest} 100`);
  });

  test("takes what was unlinked for absent: registry 2 leaves its folder behind", async () => {
    const tree = newTree();
    const [kept, gone] = [image(), image()];
    await tree.put(APP, kept, "kept");
    await tree.put(APP, gone);
    const digest = parseDigest(gone.digest);
    await tree.storage.delete(revisionLink(APP, digest));
    await tree.write(`${revisionsPath(APP)}/sha256/${digest.slice(7)}/link.1b4e28ba.tmp`, "");
    const { report, recorded } = await read(tree.storage);
    expect(report.problems).toEqual([]);
    expect(recorded.get(APP)?.manifests.map((one) => one.digest as string)).toEqual([kept.digest]);
  });

  test("does not believe a time that has not come yet", async () => {
    const tree = newTree(() => NOW + 1_000_000);
    await tree.put(APP, image(), "v1");
    const { recorded } = await read(tree.storage);
    const { blobs = [], manifests = [], tags = [] } = recorded.get(APP) ?? {};
    const times = [
      ...blobs.map(({ linkedAt }) => linkedAt),
      ...[...manifests, ...tags].map(({ pushedAt }) => pushedAt),
    ];
    expect(new Set(times)).toEqual(new Set([NOW]));
  });

  test("says after each repository how many there were", async () => {
    const tree = newTree();
    for (const name of ["a", "b", "c"]) await tree.put(parseName(name), image(), "1");
    const heard: number[] = [];
    await read(tree.storage, { onProgress: ({ repositories }) => heard.push(repositories) });
    expect(heard).toEqual([1, 2, 3]);
  });

  test("of named repositories leaves the others alone, and empties one that is gone", async () => {
    const tree = newTree();
    for (const name of [APP, OTHER]) await tree.put(name, image(), "1");
    const [gone, never] = [parseName("gone"), parseName("never/was")];
    const options = { repositories: [APP, gone, never] };
    const { report, recorded } = await read(tree.storage, options, { [gone]: EMPTY });
    expect([...recorded.keys()].toSorted()).toEqual([gone, APP]);
    expect(recorded.get(gone)).toMatchObject({ gone: true, blobs: [], manifests: [], tags: [] });
    expect(report.problems).toEqual([]);
  });

  test("fails when what was read cannot be recorded", async () => {
    const tree = newTree();
    for (const name of ["a", "b", "c"]) await tree.put(parseName(name), image(), "1");
    const metadata = {
      replaceRepository: async () => {
        throw new Error("the disk is full");
      },
      hasRepository: async () => false,
      knownRepository: async () => null,
      referencesOf: async () => [],
      listRepositories: async () => [],
    };
    const reading = readTree(tree.storage, metadata, { now: () => NOW });
    const failure = await reading.catch((error: unknown) => error);
    expect(failure).toEqual(new Error("the disk is full"));
  });
});
