import { image, index } from "../../support/image.ts";
import { type Blob, blob, mediaTypes } from "../../support/oci.ts";
import { document, imageOf, layer, sha512Layer } from "../support/documents.ts";
import { type Hazard, live } from "../support/scene.ts";

/** Two images for two platforms. */
function platforms() {
  return [image({ platform: AMD64 }), image({ platform: ARM64 })];
}

const AMD64 = { os: "linux", architecture: "amd64" };
const ARM64 = { os: "linux", architecture: "arm64" };

/** What images share and what leads to what. */
export const IMAGES: readonly Hazard[] = [
  {
    name: "untagged children of a tagged index stay, of OCI and of Docker",
    async build(scene) {
      const oci = index(platforms());
      const docker = index([image({ dockerSchema2: true, platform: AMD64 })], {
        dockerSchema2: true,
      });
      await scene.put("app", oci, "v1");
      await scene.put("app", docker, "docker");
      await scene.age();
      return { live: [live("app", oci, "v1"), live("app", docker, "docker")] };
    },
  },
  {
    name: "an index inside an index stays with all below it, and goes with it",
    async build(scene) {
      const inner = index(platforms());
      const outer = index([inner, image()]);
      const dead = index([index(platforms())]);
      await scene.put("app", outer, "v1");
      await scene.put("app", dead);
      await scene.age();
      return { live: [live("app", outer, "v1")] };
    },
  },
  {
    name: "a child that is missing in one repository is kept in the other",
    async build(scene) {
      const [one, two] = [image(), image()];
      const both = index([one, two]);
      // In the first, in the order of names, a child was never there.
      await scene.put("a/sparse", one);
      await scene.putAlone("a/sparse", both, "v1");
      await scene.put("b/whole", both, "v1");
      await scene.age();
      const sparse = {
        ...live("a/sparse", both, "v1"),
        lacks: [two, ...two.blobs.map(({ descriptor }) => descriptor)].map(({ digest }) => digest),
      };
      return { live: [sparse, live("b/whole", both, "v1")] };
    },
  },
  {
    name: "a manifest that is untagged in one repository stays in another where it is tagged",
    async build(scene) {
      const shared = image({ layers: 2 });
      await scene.put("a", shared);
      await scene.put("b", shared, "v1");
      await scene.put("c", shared);
      await scene.age();
      return { live: [live("b", shared, "v1")] };
    },
  },
  {
    name: "a manifest stays for as long as one of two tags names it",
    async build(scene) {
      const [kept, gone] = [image(), image()];
      await scene.put("app", kept, "v1", "latest");
      await scene.put("app", gone, "v0", "old");
      await scene.untag("app", "latest");
      await scene.untag("app", "v0");
      await scene.untag("app", "old");
      await scene.age();
      return { live: [live("app", kept, "v1")] };
    },
  },
  {
    name: "a layer that a live and a dead image share stays",
    async build(scene) {
      const base = layer();
      const [kept, gone] = [imageOf({ layers: [base, layer()] }), imageOf({ layers: [base] })];
      await scene.put("app", kept, "v1");
      await scene.put("app", gone);
      await scene.put("other", gone);
      await scene.age();
      return { live: [live("app", kept, "v1")] };
    },
  },
  {
    name: "a child stays for as long as one of two indexes lives",
    async build(scene) {
      const [one, two, three] = [image(), image(), image()];
      const kept = index([one, two]);
      await scene.put("app", kept, "v1");
      await scene.put("app", index([two, three]));
      await scene.age();
      return { live: [live("app", kept, "v1")] };
    },
  },
  {
    name: "a diamond of indexes, forty levels deep, is looked at once",
    async build(scene) {
      let level = [image(), image()];
      for (let depth = 0; depth < 40; depth++) {
        level = [index(level), index(level, { annotations: { depth: String(depth) } })];
        for (const one of level) await putChildrenFirst(scene, depth === 0, one);
      }
      const top = index(level);
      await scene.putAlone("app", top, "deep");
      let dead = [image(), image()];
      for (let depth = 0; depth < 40; depth++) {
        dead = [index(dead), index(dead, { annotations: { depth: String(depth) } })];
        for (const one of dead) await putChildrenFirst(scene, depth === 0, one);
      }
      await scene.age();
      return {
        live: [...new Set(flat(top))]
          .map((one) => live("app", one))
          .concat(live("app", alone(top), "deep")),
      };
    },
  },
  {
    name: "all children of an index with very many stay",
    async build(scene) {
      const shared = layer();
      const children = Array.from({ length: 150 }, () => imageOf({ layers: [shared] }));
      const wide = index(children);
      await scene.put("app", wide, "v1");
      await scene.age();
      return { live: [live("app", wide, "v1")] };
    },
  },
  {
    name: "an index whose children are layers (a build cache) keeps them",
    async build(scene) {
      const parts = [layer(), layer(), layer(200, "application/vnd.buildkit.cacheconfig.v0")];
      const cache = document(
        mediaTypes.index,
        {
          schemaVersion: 2,
          mediaType: mediaTypes.index,
          manifests: parts.map(({ descriptor }) => descriptor),
        },
        { blobs: parts },
      );
      await scene.put("cache", cache, "main");
      await scene.layer("cache", layer());
      await scene.age();
      return { live: [live("cache", cache, "main")] };
    },
  },
  {
    name: "bytes that are a manifest in one repository and a layer in another go from the one only",
    async build(scene) {
      const both = image();
      const asLayer: Blob = {
        bytes: both.bytes,
        descriptor: { ...both.descriptor, mediaType: mediaTypes.layer },
      };
      const holder = imageOf({ layers: [asLayer] });
      await scene.put("a", both);
      await scene.put("b", holder, "v1");
      await scene.age();
      return { live: [live("b", holder, "v1")] };
    },
  },
  {
    name: "bytes that are a layer in one repository and a manifest in another go from the one only",
    async build(scene) {
      const both = image();
      const asLayer: Blob = {
        bytes: both.bytes,
        descriptor: { ...both.descriptor, mediaType: mediaTypes.layer },
      };
      await scene.layer("a", asLayer);
      await scene.put("b", both, "v1");
      await scene.age();
      return { live: [live("b", both, "v1")] };
    },
  },
  {
    name: "a blob that is config and layer of one image stays",
    async build(scene) {
      const same = layer();
      const odd = imageOf({ config: same, layers: [same, same] });
      await scene.put("app", odd, "v1");
      await scene.age();
      return { live: [live("app", odd, "v1")] };
    },
  },
  {
    name: "the blob without bytes is a blob like others",
    async build(scene) {
      const empty = blob(mediaTypes.layer, new Uint8Array());
      const kept = imageOf({ layers: [empty] });
      await scene.put("a", kept, "v1");
      await scene.put("b", imageOf({ layers: [empty] }));
      await scene.age();
      return { live: [live("a", kept, "v1")] };
    },
  },
  {
    name: "blobs with a digest of sha512 stay and go like others",
    async build(scene) {
      const kept = imageOf({ layers: [sha512Layer(), layer()] });
      await scene.put("app", kept, "v1");
      await scene.put("app", imageOf({ layers: [sha512Layer()] }));
      await scene.age();
      return { live: [live("app", kept, "v1")] };
    },
  },
  {
    name: "layers that are fetched from elsewhere are not missed",
    async build(scene) {
      const foreign = layer();
      const own = layer();
      const windows = document(
        mediaTypes.dockerImage,
        {
          schemaVersion: 2,
          mediaType: mediaTypes.dockerImage,
          config: own.descriptor,
          layers: [
            {
              ...foreign.descriptor,
              mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
              urls: ["https://example.com/layer"],
            },
          ],
        },
        { blobs: [own] },
      );
      await scene.put("windows", windows, "v1");
      await scene.age();
      return { live: [live("windows", windows, "v1")] };
    },
  },
  {
    name: "manifests that do not say their media type are read all the same",
    async build(scene) {
      const [own, part] = [layer(), layer()];
      const plain = document(
        mediaTypes.image,
        {
          schemaVersion: 2,
          config: { ...own.descriptor, mediaType: mediaTypes.config },
          layers: [part.descriptor],
        },
        { blobs: [own, part] },
      );
      const children = platforms();
      const list = document(
        mediaTypes.index,
        { schemaVersion: 2, manifests: children.map(({ descriptor }) => descriptor) },
        { children },
      );
      await scene.put("app", plain, "v1");
      await scene.put("app", list, "v2");
      await scene.put("app", image());
      await scene.age();
      return { live: [live("app", plain, "v1"), live("app", list, "v2")] };
    },
  },
];

async function putChildrenFirst(
  scene: Parameters<Hazard["build"]>[0],
  deepest: boolean,
  fixture: ReturnType<typeof index>,
): Promise<void> {
  if (deepest) await scene.put("app", fixture);
  else await scene.putAlone("app", fixture);
}

/** Each once, each without its children: in a diamond there are more ways than there is time for. */
function flat(top: ReturnType<typeof index>): ReturnType<typeof index>[] {
  const found = new Map<string, ReturnType<typeof index>>();
  const visit = (one: ReturnType<typeof index>): void => {
    if (found.has(one.digest)) return;
    found.set(one.digest, alone(one));
    for (const child of one.children) visit(child);
  };
  visit(top);
  return [...found.values()];
}

function alone(one: ReturnType<typeof index>): ReturnType<typeof index> {
  return { ...one, children: [] };
}
