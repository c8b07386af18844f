import { parseDigest } from "../../../src/oci/digest.ts";
import { parseName } from "../../../src/oci/name.ts";
import { parseTag } from "../../../src/oci/reference.ts";
import {
  blobPath,
  layerLink,
  layersPath,
  manifestsPath,
  revisionLink,
  revisionPath,
  tagCurrentLink,
  tagsPath,
} from "../../../src/storage/tree.ts";
import { type Fixture, image } from "../../support/image.ts";
import { json } from "../../support/oci.ts";
import { document, layer } from "../support/documents.ts";
import { type TreeHazard, type TreeScene, live } from "../support/scene.ts";

const BROKEN = parseName("broken");

/** What a repository is kept whole for, and its digests. */
function whole(...fixtures: readonly Fixture[]) {
  const blobs = fixtures.flatMap((one) => [
    one.digest,
    ...one.blobs.map(({ descriptor }) => descriptor.digest),
  ]);
  return { live: [], whole: [{ repository: BROKEN, blobs }] };
}

/** A repository with a tagged and an untagged image, of which one thing is damaged. */
function damage(
  name: string,
  spoil: (scene: TreeScene, kept: Fixture, untagged: Fixture) => Promise<void>,
  missing: (kept: Fixture, untagged: Fixture) => string[] = () => [],
): TreeHazard {
  return {
    name: `${name} keeps its repository whole, and no other`,
    async build(scene) {
      const [kept, untagged] = [image(), image()];
      await scene.put(BROKEN, kept, "v1");
      await scene.put(BROKEN, untagged);
      await spoil(scene, kept, untagged);
      await scene.age();
      const gone = missing(kept, untagged);
      const all = whole(kept, untagged);
      const blobs = all.whole.flatMap((one) => one.blobs).filter((one) => !gone.includes(one));
      return { live: [], whole: [{ repository: BROKEN, blobs }] };
    },
  };
}

function firstLayer({ blobs }: Fixture) {
  return parseDigest(blobs.at(-1)?.descriptor.digest ?? "");
}

const LINKS: readonly (readonly [string, string])[] = [
  ["empty", ""],
  ["torn", "sha256:0123"],
  ["full of garbage", "\u0000\u0001not a digest"],
];

export const BROKEN_LINKS: readonly TreeHazard[] = LINKS.flatMap(([how, content]) => [
  damage(`a tag's link that is ${how}`, async (scene) => {
    await scene.write(tagCurrentLink(BROKEN, parseTag("v1")), content);
  }),
  damage(`a layer's link that is ${how}`, async (scene, kept) => {
    await scene.write(layerLink(BROKEN, firstLayer(kept)), content);
  }),
  damage(`a manifest's link that is ${how}`, async (scene, kept) => {
    await scene.write(revisionLink(BROKEN, parseDigest(kept.digest)), content);
  }),
  damage(`the link of an untagged manifest that is ${how}`, async (scene, _, untagged) => {
    await scene.write(revisionLink(BROKEN, parseDigest(untagged.digest)), content);
  }),
]);

export const BROKEN_MANIFESTS: readonly TreeHazard[] = [
  damage("a link that names another digest than its folder", async (scene, kept, untagged) => {
    await scene.write(layerLink(BROKEN, firstLayer(untagged)), firstLayer(kept));
  }),
  damage("a tag that names a manifest that is not there", async (scene) => {
    await scene.write(tagCurrentLink(BROKEN, parseTag("v2")), image().digest);
  }),
  damage(
    "a manifest whose bytes are gone",
    async (scene, kept) => await scene.remove(blobPath(parseDigest(kept.digest))),
    (kept) => [kept.digest],
  ),
  damage(
    "an untagged manifest whose bytes are gone",
    async (scene, _, untagged) => await scene.remove(blobPath(parseDigest(untagged.digest))),
    (_, untagged) => [untagged.digest],
  ),
  damage("a manifest that is empty", async (scene, kept) => {
    await scene.write(blobPath(parseDigest(kept.digest)), "");
  }),
  damage("a manifest that is cut off", async (scene, kept) => {
    await scene.write(blobPath(parseDigest(kept.digest)), kept.bytes.slice(0, 100));
  }),
  damage("a manifest with other bytes than those of its digest", async (scene, kept) => {
    await scene.write(blobPath(parseDigest(kept.digest)), image().bytes);
  }),
  damage("a folder in the place of a manifest's bytes", async (scene, kept) => {
    const path = blobPath(parseDigest(kept.digest));
    await scene.remove(path);
    await scene.write(`${path}/data`, "deeper");
  }),
  damage("a folder in the place of a link", async (scene, kept) => {
    const path = layerLink(BROKEN, firstLayer(kept));
    await scene.remove(path);
    await scene.write(`${path}/link`, "deeper");
  }),
  damage("a file in the place of the folder of tags", async (scene) => {
    await scene.remove(tagsPath(BROKEN));
    await scene.write(tagsPath(BROKEN), "a file");
  }),
  damage("a file in the place of the folder of layers", async (scene) => {
    await scene.remove(layersPath(BROKEN));
    await scene.write(layersPath(BROKEN), "a file");
  }),
  {
    name: "a folder of another digest algorithm keeps its repository whole, and all bytes",
    async build(scene) {
      const [kept, untagged] = [image(), image()];
      await scene.put(BROKEN, kept, "v1");
      await scene.put(BROKEN, untagged);
      await scene.write(`${layersPath(BROKEN)}/blake3/abcd/link`, "blake3:abcd");
      await scene.age();
      return { ...whole(kept, untagged), hides: true };
    },
  },
  {
    name: "a manifest of an unknown media type keeps its repository whole, tagged or not",
    async build(scene) {
      const parts = [layer(), layer()];
      const odd = document(
        "application/vnd.example.bundle.v7+json",
        {
          schemaVersion: 2,
          mediaType: "application/vnd.example.bundle.v7+json",
          parts: parts.map(({ descriptor }) => descriptor),
        },
        { blobs: parts },
      );
      const other = image();
      await scene.put(BROKEN, odd);
      await scene.put(BROKEN, other);
      await scene.age();
      return whole(odd, other);
    },
  },
  {
    name: "a manifest of Docker's first format keeps its layers and its signatures",
    async build(scene) {
      const [one, two] = [layer(), layer()];
      const signature = json("application/json", { header: {}, signature: Bun.randomUUIDv7() });
      const first = document(
        "application/vnd.docker.distribution.manifest.v1+json",
        {
          schemaVersion: 1,
          name: "first",
          tag: "v1",
          architecture: "amd64",
          fsLayers: [one, two].map(({ descriptor }) => ({ blobSum: descriptor.digest })),
          history: [{ v1Compatibility: "{}" }, { v1Compatibility: "{}" }],
        },
        { blobs: [one, two] },
      );
      const name = parseName("first");
      const signed = parseDigest(signature.descriptor.digest);
      const hex = signed.slice("sha256:".length);
      const link = `${revisionPath(name, parseDigest(first.digest))}/signatures/sha256/${hex}/link`;
      await scene.put("first", first, "v1");
      await scene.write(link, signed);
      await scene.write(blobPath(signed), signature.bytes);
      await scene.put("first", image());
      await scene.age();
      return { live: [live("first", first, "v1")], stays: [link, blobPath(signed)] };
    },
  },
  {
    name: "a link to bytes that are gone goes when nothing needs it, and stays when something does",
    async build(scene) {
      const [kept, useless] = [image({ layers: 2 }), layer()];
      await scene.put("app", kept, "v1");
      await scene.layer("app", useless);
      await scene.remove(blobPath(firstLayer(kept)));
      await scene.remove(blobPath(parseDigest(useless.descriptor.digest)));
      await scene.age();
      return {
        live: [{ ...live("app", kept, "v1"), lacks: [firstLayer(kept)] }],
        stays: [layerLink(parseName("app"), firstLayer(kept))],
      };
    },
  },
  {
    name: "bytes that a live manifest names stay, although its repository has lost their links",
    async build(scene) {
      const kept = image({ layers: 2 });
      await scene.put("app", kept, "v1");
      await scene.remove(layersPath(parseName("app")));
      await scene.age();
      const lost = kept.blobs.map(({ descriptor }) => parseDigest(descriptor.digest));
      return { live: [{ ...live("app", kept, "v1"), lacks: lost }], stays: lost.map(blobPath) };
    },
  },
  {
    name: "a repository without manifests keeps nothing, when its layers are old",
    async build(scene) {
      await scene.layer("half", layer());
      await scene.put("gone", image(), "v1");
      await scene.remove(manifestsPath(parseName("gone")));
      await scene.age();
      return { live: [] };
    },
  },
  {
    name: "a repository without its folder of tags loses its manifests, when they are old",
    async build(scene) {
      await scene.put("app", image(), "v1");
      await scene.remove(tagsPath(parseName("app")));
      await scene.age();
      return { live: [] };
    },
  },
];
