import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { writeSmall } from "../storage/write-small.ts";
import { treeFiles } from "../storage/tree-files.ts";
import { blobPath, layerLink, linkBytes, revisionLink } from "../storage/tree.ts";
import { lookAtTree } from "./tree-look.ts";
import { takeAll } from "./tree-policy-fixtures.ts";
import { planRemoval, removalJobs } from "./tree-removal.ts";

const app = parseName("team/app");
const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

function put(root: string, document: object, layers: readonly Digest[] = []): Digest {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = digestOf(bytes);
  const links = [revisionLink(app, digest), ...layers.map((layer) => layerLink(app, layer))];
  writeSmall(root, [
    { path: blobPath(digest), bytes },
    ...links.map((path, at) => ({ path, bytes: linkBytes(at === 0 ? digest : layers[at - 1]!) })),
    ...layers.map((layer) => ({ path: blobPath(layer), bytes: Buffer.from(layer) })),
  ]);
  return digest;
}

function image(layer: Digest): object {
  return {
    schemaVersion: 2,
    mediaType: IMAGE,
    layers: [{ mediaType: "x/y", digest: layer, size: 1 }],
  };
}

function index(...children: readonly Digest[]): object {
  const manifests = children.map((digest) => ({ mediaType: IMAGE, digest, size: 1 }));
  return { schemaVersion: 2, mediaType: INDEX, manifests };
}

test("an index goes before the index that it names, that before its image, and that before its layer", async () => {
  const root = await mkdtemp(join(tmpdir(), "wharf-removal-"));
  try {
    const layer = digestOf(Buffer.from("layer"));
    const one = put(root, image(layer), [layer]);
    const inner = put(root, index(one));
    const outer = put(root, index(inner, one));
    const look = await lookAtTree(treeFiles(root), takeAll());
    const [planned] = look.repositories;

    const removal = await planRemoval(planned!, look.reader, takeAll(), undefined);

    const files = removalJobs([removal!])
      .flat(2)
      .flatMap((step) => ("file" in step ? [step.file] : []));
    const order = [
      revisionLink(app, outer),
      revisionLink(app, inner),
      revisionLink(app, one),
      layerLink(app, layer),
    ];
    expect(files).toEqual(order);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("what has come since the plan stays, with the layers that it needs", async () => {
  const root = await mkdtemp(join(tmpdir(), "wharf-removal-"));
  try {
    const [old, layer] = ["old", "layer"].map((word) => digestOf(Buffer.from(word)));
    put(root, image(old!), [old!, layer!]);
    const look = await lookAtTree(treeFiles(root), takeAll());
    put(root, image(layer!));

    const removal = await planRemoval(look.repositories[0]!, look.reader, takeAll(), undefined);

    expect(removal?.manifests).toHaveLength(1);
    expect(removal?.links.map(({ digest }) => digest)).toEqual([old!]);
  } finally {
    await rm(root, { recursive: true });
  }
});
