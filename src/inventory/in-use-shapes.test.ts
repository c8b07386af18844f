import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { addFolder } from "./in-use-folder.ts";
import { Images } from "./in-use-images.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wharf-test-"));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

/** A folder with one file. */
async function read(text: string, name = "a.yaml"): Promise<Images> {
  const folder = await mkdtemp(join(root, "folder-"));
  await Bun.write(join(folder, name), text);
  const images = new Images();
  await addFolder(folder, {}, images);
  return images;
}

function uses(images: Images, name: string): boolean {
  const [repository = "", tag = ""] = name.split(":");
  return images.inUse("manifests:x").tag(parseName(repository), parseTag(tag)) !== null;
}

const SHAPES: readonly (readonly [string, string, string])[] = [
  [
    "a patch in JSON notation",
    "- { op: replace, path: /spec/template/spec/containers/0/image, value: 'app:2' }\n",
    "app:2",
  ],
  [
    "a patch that adds a container",
    "- { op: add, path: /spec/template/spec/containers/-, value: { name: x, image: 'app:2' } }\n",
    "app:2",
  ],
  [
    "an application of Argo CD that sets images",
    "kind: Application\nspec: { source: { kustomize: { images: ['old=hub.example/app:2', 'web:3'] } } }\n",
    "web:3",
  ],
  [
    "an application of Argo CD that renames an image",
    "kind: Application\nspec: { source: { kustomize: { images: ['old=app:2'] } } }\n",
    "app:2",
  ],
  [
    "an application of Argo CD with values as a text",
    "kind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: hub.example/app\n          tag: v2\n",
    "app:v2",
  ],
  [
    "a Flux kustomization",
    "kind: Kustomization\nspec: { images: [{ name: app, newTag: '2' }, { name: x, newName: y, newTag: '1' }] }\n",
    "app:2",
  ],
  [
    "a Flux source of artifacts",
    "kind: OCIRepository\nspec: { url: 'oci://hub.example/team/manifests', ref: { tag: live } }\n",
    "team/manifests:live",
  ],
  [
    "a Flux source of whatever fits a range",
    "kind: OCIRepository\nspec: { url: 'oci://hub.example/team/manifests', ref: { semver: '>=1' } }\n",
    "team/manifests:v1.2.3",
  ],
  [
    "a chart that lies in the registry",
    "kind: Application\nspec: { source: { repoURL: hub.example/charts, chart: app, targetRevision: 1.2.3 } }\n",
    "charts/app:1.2.3",
  ],
  [
    "a chart that depends on another one",
    "dependencies: [{ name: base, version: 1.2.3, repository: 'oci://hub.example/charts' }]\n",
    "charts/base:1.2.3",
  ],
  [
    "a pod in the text of a ConfigMap",
    "kind: ConfigMap\ndata:\n  pod.yaml: |\n    spec:\n      containers:\n        - image: app:2\n",
    "app:2",
  ],
  [
    "an argument that is called something else",
    "kind: Pod\nspec: { containers: [{ image: 'o:1', args: ['--config-reloader=hub.example/team/reload:v2'] }] }\n",
    "team/reload:v2",
  ],
  [
    "an argument of two words",
    "kind: Pod\nspec: { containers: [{ image: 'o:1', command: [run], args: [--image, 'app:2'] }] }\n",
    "app:2",
  ],
  [
    "an environment that is called something else",
    "kind: Pod\nspec: { containers: [{ image: 'o:1', env: [{ name: RUNNER, value: 'hub.example/team/run:2' }] }] }\n",
    "team/run:2",
  ],
  [
    "values whose key says nothing",
    "controller: { repository: team/app, tag: '2' }\n",
    "team/app:2",
  ],
  ["values in two keys", "image: app\nimageTag: '2'\n", "app:2"],
  ["values with a name", "web: { image: { name: app, tag: '2' } }\n", "app:2"],
  ["values with a repository of the image", "imageRepository: app\nimageTag: '2'\n", "app:2"],
  [
    "an image stream",
    "kind: ImageStream\nspec: { tags: [{ name: live, from: { kind: DockerImage, name: 'app:2' } }] }\n",
    "app:2",
  ],
  [
    "a disk of a virtual machine",
    "spec: { source: { registry: { url: 'docker://hub.example/disk:2' } } }\n",
    "disk:2",
  ],
];

describe("images in manifests", () => {
  test.each(SHAPES)("are found in %s", async (_, text, name) => {
    const images = await read(text);

    expect(images.failure).toBeNull();
    expect(uses(images, name)).toBe(true);
  });

  test.each([
    [
      "a patch within",
      "patches:\n  - patch: |-\n      - op: replace\n        path: /spec/containers/0/image\n        value: app:2\n",
    ],
    [
      "an overlay within",
      "patches:\n  - patch: |-\n      kind: Deployment\n      spec: { template: { spec: { containers: [{ name: a, image: 'app:2' }] } } }\n",
    ],
    [
      "values of a chart",
      "helmCharts: [{ name: c, valuesInline: { image: { repository: app, tag: '2' } } }]\n",
    ],
    ["a suffix", "images: [{ name: app, tagSuffix: -alpine }]\n"],
    ["a ConfigMap that it makes", "configMapGenerator: [{ name: c, literals: ['X=hub/app:2'] }]\n"],
  ])("are found in a kustomization with %s", async (_, text) => {
    const images = await read(text, "kustomization.yaml");

    expect(images.failure).toBeNull();
    expect(uses(images, "app:2") || uses(images, "hub/app:2")).toBe(true);
  });

  test("are those of a volume of a service, too", async () => {
    const images = await read(
      "services: { a: { image: 'a:1', volumes: [{ type: image, source: 'app:2', target: /x }] } }\n",
      "compose.yaml",
    );

    expect(images.failure).toBeNull();
    expect(uses(images, "app:2")).toBe(true);
  });

  test("are none in texts that only look a little like it", async () => {
    const text =
      "kind: Role\nnote: 'see https://a.example/b:2, c/d at 10:30'\nport: '0.0.0.0:80'\n";
    const images = await read(text);

    expect(images.failure).toBeNull();
    expect(images.count).toBe(0);
  });

  test("are none in the other words of a command", async () => {
    const images = await read(
      "kind: Pod\nspec: { containers: [{ image: 'o:1', command: [run, other, thing] }] }\n",
    );

    expect(["other:latest", "thing:latest"].map((name) => uses(images, name))).toEqual([
      false,
      false,
    ]);
  });

  test("that are only likely are no sign that the list is one", async () => {
    expect((await read("kind: Role\nrules: [system/x:y]\n")).count).toBe(0);
  });
});
