import { mkdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "../../../src/oci/digest.ts";
import { parseName } from "../../../src/oci/name.ts";
import { parseTag } from "../../../src/oci/reference.ts";
import {
  BLOBS,
  REPOSITORIES,
  TREE,
  blobPath,
  layerPath,
  repositoryPath,
  revisionPath,
  tagIndexLink,
  tagPath,
} from "../../../src/storage/tree.ts";
import { image } from "../../support/image.ts";
import { layer } from "../support/documents.ts";
import { type TreeHazard, live } from "../support/scene.ts";
import { setTimes } from "../support/tree-scene.ts";

const UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

/** What lies in trees beside content, and times and links that lead astray. */
export const FOLDERS: readonly TreeHazard[] = [
  {
    name: "the history of a tag goes with the manifests that it named",
    async build(scene) {
      const [now, before] = [image(), image()];
      await scene.put("app", before, "v1");
      await scene.put("app", now, "v1");
      await scene.age();
      return { live: [live("app", now, "v1")] };
    },
  },
  {
    name: "the history of a tag stays as long as the manifest that it named",
    async build(scene) {
      const [now, before] = [image(), image()];
      await scene.put("app", before, "v1", "before");
      await scene.put("app", now, "v1");
      await scene.age();
      const past = tagIndexLink(parseName("app"), parseTag("v1"), parseDigest(before.digest));
      return { live: [live("app", now, "v1"), live("app", before, "before")], stays: [past] };
    },
  },
  {
    name: "a tag without a link names nothing",
    async build(scene) {
      const [kept, gone] = [image(), image()];
      await scene.put("app", kept, "v1");
      await scene.put("app", gone, "v0");
      await scene.remove(`${tagPath(parseName("app"), parseTag("v0"))}/current`);
      await scene.age();
      return { live: [live("app", kept, "v1")] };
    },
  },
  {
    name: "old temporary links go, and young ones stay",
    async build(scene) {
      const app = image();
      const name = parseName("app");
      await scene.put("app", app, "v1");
      const old = parseDigest(image().digest);
      await scene.write(`${layerPath(name, old)}/link.${UUID}.tmp`, old);
      await scene.age();
      const young = parseDigest(image().digest);
      const path = `${layerPath(name, young)}/link.${UUID}.tmp`;
      await scene.write(path, young);
      return { live: [live("app", app, "v1")], stays: [path] };
    },
  },
  {
    name: "stale uploads go, and those in progress stay",
    async build(scene) {
      const app = image();
      const uploads = (name: string): string => `${repositoryPath(parseName(name))}/_uploads`;
      await scene.put("app", app, "v1");
      await scene.write(`${uploads("app")}/${UUID}/data`, "half a layer");
      await scene.write(`${uploads("app")}/${UUID}/startedat`, "2020-01-01T00:00:00Z");
      await scene.write(`${uploads("app")}/${UUID}/hashstates/sha256/0`, "state");
      await scene.write(`${uploads("only")}/${UUID}/data`, "half a layer");
      await scene.age();
      const young = `${uploads("app")}/2${UUID.slice(1)}`;
      await scene.write(`${young}/data`, "the beginning");
      await scene.write(`${young}/startedat`, new Date().toISOString());
      return { live: [live("app", app, "v1")], stays: [young] };
    },
  },
  {
    name: "an upload that began long ago and still grows stays",
    async build(scene) {
      const app = image();
      await scene.put("app", app, "v1");
      const slow = `${repositoryPath(parseName("app"))}/_uploads/${UUID}`;
      await scene.write(`${slow}/startedat`, "2020-01-01T00:00:00Z");
      await scene.write(`${slow}/data`, "the beginning");
      await scene.age();
      await scene.write(`${slow}/data`, "the beginning, and more");
      return { live: [live("app", app, "v1")], stays: [slow] };
    },
  },
  {
    name: "empty folders of links go",
    async build(scene) {
      const app = image();
      await scene.put("app", app, "v1");
      const digest = parseDigest(image().digest);
      const folder = revisionPath(parseName("app"), digest);
      await mkdir(join(scene.data, folder), { recursive: true });
      await scene.age();
      return { live: [live("app", app, "v1")] };
    },
  },
  {
    name: "files that are not of the layout stay, and stop nothing",
    async build(scene) {
      const app = image();
      const strange = [
        `${BLOBS}/README`,
        `${BLOBS}/sha256/.DS_Store`,
        `${BLOBS}/sha256/ab/notes.txt`,
        `${BLOBS}/blake3/ab/abcd/data`,
        `${REPOSITORIES}/notes.txt`,
        `${REPOSITORIES}/.hidden/file`,
        "docker/registry/lost+found/file",
      ];
      await scene.put("app", app, "v1");
      await scene.put("app", image());
      for (const path of strange) await scene.write(path, "somebody's");
      await scene.age();
      return { live: [live("app", app, "v1")], stays: strange };
    },
  },
  {
    name: "links with a time in the future count as young",
    async build(scene) {
      const app = image();
      await scene.age();
      await scene.put("app", app);
      const tomorrow = new Date(Date.now() + 24 * 3600 * 1000);
      await setTimes(join(scene.data, repositoryPath(parseName("app"))), tomorrow);
      return { live: [live("app", app)] };
    },
  },
  {
    name: "bytes without any link go when they are old, and stay when they are young",
    async build(scene) {
      const [old, young] = [layer(), layer()].map(({ descriptor, bytes }) => ({
        path: blobPath(parseDigest(descriptor.digest)),
        bytes,
      }));
      if (!old || !young) throw new Error("there are two");
      await scene.put("app", image(), "v1");
      await scene.untag("app", "v1");
      await scene.write(old.path, old.bytes);
      await scene.age();
      await scene.write(young.path, young.bytes);
      return { live: [], stays: [young.path] };
    },
  },
  {
    name: "a folder of all that is a symbolic link is read like others",
    async build(scene) {
      const app = image();
      await scene.put("app", app, "v1");
      await scene.put("app", image());
      await scene.age();
      await rename(join(scene.data, TREE), join(scene.data, "elsewhere"));
      await symlink("../../elsewhere", join(scene.data, TREE));
      return { live: [live("app", app, "v1")] };
    },
  },
  {
    name: "a repository that is a symbolic link to another keeps what it names",
    async build(scene) {
      const app = image();
      await scene.put("b/app", app, "v1");
      await scene.age();
      await symlink("b", join(scene.data, REPOSITORIES, "a"));
      return { live: [live("b/app", app, "v1")] };
    },
  },
  {
    name: "a symbolic link that leads up is not followed for ever, and keeps all bytes",
    async build(scene) {
      const app = image();
      await scene.put("app", app, "v1");
      await scene.age();
      await symlink("..", join(scene.data, REPOSITORIES, "app", "up"));
      return { live: [live("app", app, "v1")], hides: true };
    },
  },
];
