import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import {
  BLOBS,
  REPOSITORIES,
  blobPath,
  layerLink,
  layerPath,
  layersPath,
  manifestsPath,
  repositoryPath,
  revisionLink,
  revisionPath,
  tagCurrentLink,
  tagPath,
} from "../../src/storage/tree.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { notServed, pullManifest, tagsOf } from "../support/pull.ts";
import { newTreeIn } from "../support/stored-tree.ts";

setDefaultTimeout(60_000);

const APP = parseName("team/app");
const V1 = parseTag("v1");

/** A folder with three repositories, of which two lie in each other; `v1` of `team/app` is damaged. */
interface Given {
  readonly data: string;
  readonly one: Fixture;
  readonly rest: readonly (readonly [string, string, Fixture])[];
  readonly manifest: Digest;
  readonly layer: Digest;
  path(inTree: string): string;
}

async function given(folder: Folder): Promise<Given> {
  const data = folder.at("data");
  const tree = newTreeIn(data);
  const [one, two, inside] = [image({ layers: 2 }), index([image(), image()]), image()];
  await tree.put(APP, one, "v1");
  await tree.put(APP, two, "v2");
  await tree.put(parseName("team"), inside, "v1");
  await tree.put(parseName("other"), inside, "v1");
  return {
    data,
    one,
    rest: [
      [APP, "v2", two],
      ["team", "v1", inside],
      ["other", "v1", inside],
    ],
    manifest: parseDigest(one.digest),
    layer: parseDigest(one.blobs[1]?.descriptor.digest ?? ""),
    path: (inTree) => join(data, inTree),
  };
}

interface Damage {
  readonly what: string;
  readonly does: (of: Given) => Promise<unknown>;
  /** Where it is reported. */
  readonly at: (of: Given) => string;
  readonly says: RegExp;
  /** What a first reading cannot serve of `v1` for it. */
  readonly costs: "nothing" | "a layer" | "its layers" | "the tag" | "the image";
  /** What it costs when it was known before. */
  readonly costsKnown?: "nothing" | "a layer" | "its layers" | "the tag" | "the image";
  /** What was known before is brought back to the tree. */
  readonly healed?: boolean;
}

const link = (): string => tagCurrentLink(APP, V1);

const DAMAGES: readonly Damage[] = [
  {
    what: "a tag's link that is empty",
    does: (of) => writeFile(of.path(link()), ""),
    at: link,
    says: /empty or torn.*push the tag again/,
    costs: "the tag",
    costsKnown: "nothing",
  },
  {
    what: "a tag's link that is full of zeros",
    does: (of) => writeFile(of.path(link()), new Uint8Array(71)),
    at: link,
    says: /empty or torn/,
    costs: "the tag",
    costsKnown: "nothing",
  },
  {
    what: "a tag's link that is garbage of some MiB",
    does: (of) => writeFile(of.path(link()), "x".repeat(3_000_000)),
    at: link,
    says: /empty or torn/,
    costs: "the tag",
    costsKnown: "nothing",
  },
  {
    what: "a file in the place of a tag",
    does: async (of) => {
      await rm(of.path(tagPath(APP, V1)), { recursive: true });
      await writeFile(of.path(tagPath(APP, V1)), "v1");
    },
    at: () => tagPath(APP, V1),
    says: /a file that does not belong here/,
    costs: "the tag",
    costsKnown: "nothing",
  },
  {
    what: "a folder in the place of a tag's link",
    does: async (of) => {
      await rm(of.path(link()));
      await mkdir(of.path(link()));
    },
    at: link,
    says: /cannot be read.*not a file/,
    costs: "the tag",
    costsKnown: "nothing",
  },
  {
    what: "a tag's link that leads in a circle",
    does: async (of) => {
      await rm(of.path(link()));
      await symlink("link", of.path(link()));
    },
    at: link,
    says: /cannot be read.*ELOOP/,
    costs: "the tag",
    costsKnown: "nothing",
  },
  {
    what: "a layer's link that is empty",
    does: (of) => writeFile(of.path(layerLink(APP, of.layer)), ""),
    at: (of) => layerLink(APP, of.layer),
    says: /empty or torn; it is taken for what its folder says/,
    costs: "nothing",
  },
  {
    what: "a layer's folder that is a file",
    does: async (of) => {
      await rm(of.path(layerPath(APP, of.layer)), { recursive: true });
      await writeFile(of.path(layerPath(APP, of.layer)), of.layer);
    },
    at: (of) => layerPath(APP, of.layer),
    says: /a file that does not belong here/,
    costs: "a layer",
    costsKnown: "nothing",
  },
  {
    what: "a layer's folder in capitals",
    does: async (of) => {
      const folder = dirname(layerPath(APP, of.layer));
      await mkdir(of.path(`${folder}/${"AB".repeat(32)}`));
    },
    at: (of) => `${dirname(layerPath(APP, of.layer))}/${"AB".repeat(32)}`,
    says: /not a digest/,
    costs: "nothing",
  },
  {
    what: "a repository without its layer links",
    does: (of) => rm(of.path(layersPath(APP)), { recursive: true }),
    at: () => layersPath(APP),
    says: /\d+ blobs are not linked here that manifests need.*push those images again/,
    costs: "its layers",
  },
  {
    what: "a layer of which the bytes are missing",
    does: (of) => rm(of.path(blobPath(of.layer))),
    at: (of) => layerLink(APP, of.layer),
    says: /the bytes of sha256:.* are missing, and sha256:.* needs them; push that image again/,
    costs: "a layer",
  },
  {
    what: "a layer that was cut short",
    does: (of) => truncate(of.path(blobPath(of.layer)), 100),
    at: (of) => blobPath(of.layer),
    says: /100 bytes instead of 1000, and not those of its digest; pulls of it are refused/,
    costs: "a layer",
  },
  {
    what: "a layer that is empty",
    does: (of) => truncate(of.path(blobPath(of.layer)), 0),
    at: (of) => blobPath(of.layer),
    says: /0 bytes instead of 1000/,
    costs: "a layer",
  },
  {
    what: "a folder in the place of a layer's bytes",
    does: async (of) => {
      await rm(of.path(blobPath(of.layer)));
      await mkdir(of.path(blobPath(of.layer)));
    },
    at: (of) => layerLink(APP, of.layer),
    says: /the bytes of sha256:.* are missing/,
    costs: "a layer",
  },
  {
    what: "a manifest of which the bytes are missing",
    does: (of) => rm(of.path(blobPath(of.manifest))),
    at: (of) => revisionLink(APP, of.manifest),
    says: /push that image again|it is written again, from our tables/,
    costs: "the image",
    costsKnown: "nothing",
    healed: true,
  },
  {
    what: "a manifest that was cut short",
    does: (of) => truncate(of.path(blobPath(of.manifest)), 50),
    at: (of) => revisionLink(APP, of.manifest),
    says: /push that image again|it is written again, from our tables/,
    costs: "the image",
    costsKnown: "nothing",
    healed: true,
  },
  {
    what: "a manifest's folder that is a file",
    does: async (of) => {
      await rm(of.path(revisionPath(APP, of.manifest)), { recursive: true });
      await writeFile(of.path(revisionPath(APP, of.manifest)), "");
    },
    at: (of) => revisionPath(APP, of.manifest),
    says: /a file that does not belong here/,
    costs: "the image",
    costsKnown: "nothing",
  },
  {
    what: "a link among the repositories that leads up to all of them",
    does: (of) => symlink("../..", of.path(`${repositoryPath(APP)}/round`)),
    at: () => `${repositoryPath(APP)}/round`,
    says: /leads nowhere or in a circle/,
    costs: "nothing",
  },
  {
    what: "files of other programs among the blobs",
    does: async (of) => {
      await writeFile(of.path(`${BLOBS}/sha256/notes.txt`), "");
      await writeFile(of.path(`${BLOBS}/sha256/todo.txt`), "");
    },
    at: () => `${BLOBS}/sha256/`,
    says: /2 files that do not belong here; nothing reads or removes them/,
    costs: "nothing",
  },
  {
    what: "temporary files that another registry left",
    does: async (of) => {
      const folder = of.path(layerPath(APP, of.layer));
      await writeFile(`${folder}/link.0193.tmp`, "");
      await writeFile(`${dirname(folder)}/link.0193.tmp`, "");
    },
    at: (of) => `${dirname(layerPath(APP, of.layer))}/link.0193.tmp`,
    says: /a file that does not belong here/,
    costs: "nothing",
  },
];

/** What of `v1` is served, in the words of a damage. */
async function costOf(url: string, { one, manifest }: Given): Promise<Damage["costs"]> {
  const lost = await notServed(url, APP, manifest, one);
  const tagged = await pullManifest(url, APP, "v1");
  if (tagged.digest !== manifest || tagged.status !== 200) {
    return (await pullManifest(url, APP, manifest)).status === 200 ? "the tag" : "the image";
  }
  if (lost.length === 0) return "nothing";
  return lost.length === 1 ? "a layer" : "its layers";
}

/** Every file with its bytes. */
async function stateOf(data: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const file of await filesBelow(join(data, "docker"))) {
    hash.update(`${file}\0`).update(await Bun.file(join(data, "docker", file)).bytes());
  }
  return hash.digest("hex");
}

describe("a tree is opened with", () => {
  for (const { what, does, at, says, costs, costsKnown = costs, healed = false } of DAMAGES) {
    for (const known of [false, true]) {
      const when = known ? ", of a registry that knew it whole" : "";
      test(`${what}${when}: it is reported once, and costs ${known ? costsKnown : costs}`, async () => {
        await using folder = await temporaryFolder();
        const of = await given(folder);
        const whole = await stateOf(of.data);
        if (known) {
          await using registry = await localRegistry({}, { data: of.data });
          expect(await costOf(registry.url, of)).toBe("nothing");
          for (const [name, tag, fixture] of of.rest) {
            expect(await notServed(registry.url, name, tag, fixture)).toEqual([]);
          }
        }
        await does(of);
        const before = known && healed ? whole : await stateOf(of.data);
        const warnings: { path?: unknown; message: string }[] = [];
        const warn = ({ path }: Readonly<Record<string, unknown>>, message: string): void =>
          void warnings.push({ path, message });
        {
          await using registry = await localRegistry({}, { data: of.data, events: { warn } });
          expect(await costOf(registry.url, of)).toBe(known ? costsKnown : costs);
          for (const [name, tag, fixture] of of.rest) {
            const lost = await notServed(registry.url, name, tag, fixture);
            // Without any links of layers the other images of the repository have none either.
            if (costs !== "its layers" || name !== APP) expect(lost).toEqual([]);
          }
          const response = await fetch(`${registry.url}/v2/_catalog`);
          expect(await response.json()).toEqual({ repositories: ["other", "team", APP] });
        }

        const said = warnings.filter(({ message }) => says.test(message));
        expect(said.map(({ path }) => path)).toEqual([expect.stringContaining(at(of))]);
        expect(await stateOf(of.data)).toBe(before);
      });
    }
  }

  test("a layer that was cut short never gets a whole answer, and is healed by a push", async () => {
    await using folder = await temporaryFolder();
    const of = await given(folder);
    await truncate(of.path(blobPath(of.layer)), 100);
    await using registry = await localRegistry({}, { data: of.data });
    const address = `${registry.url}/v2/${APP}/blobs/${of.layer}`;

    const answers = [
      await fetch(address),
      await fetch(address, { headers: { range: "bytes=0-49" } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([500, 500]);
    expect((await fetch(address, { method: "HEAD" })).status).toBe(404);

    await of.one.push(registry.url, APP, "v1");
    expect(await notServed(registry.url, APP, "v1", of.one)).toEqual([]);
  });

  test("a layer whose size a manifest lies about, and serves it: its bytes are right", async () => {
    await using folder = await temporaryFolder();
    const of = await given(folder);
    const [config, layer] = image().blobs;
    if (!config || !layer) throw new Error("an image has both");
    const lie = { ...layer, descriptor: { ...layer.descriptor, size: 5 }, diffId: "" };
    const liar = image({ layers: [lie] });
    await newTreeIn(of.data).put(APP, liar, "liar");
    await using registry = await localRegistry({}, { data: of.data });
    expect(await notServed(registry.url, APP, "liar", liar)).toEqual([]);
  });

  test("a repository that is only begun, and names nobody could ask for", async () => {
    await using folder = await temporaryFolder();
    const of = await given(folder);
    await mkdir(of.path(`${REPOSITORIES}/begun/_uploads/0193`), { recursive: true });
    await mkdir(of.path(`${REPOSITORIES}/Team/app/_layers`), { recursive: true });
    await rm(of.path(manifestsPath(parseName("other"))), { recursive: true });
    await using registry = await localRegistry({}, { data: of.data });
    const response = await fetch(`${registry.url}/v2/_catalog`);
    expect(await response.json()).toEqual({ repositories: ["other", "team", APP] });
    expect(await tagsOf(registry.url, "other")).toEqual([]);
    expect(await tagsOf(registry.url, APP)).toEqual(["v1", "v2"]);
  });
});
