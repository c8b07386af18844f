import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { interpolate } from "./in-use-compose.ts";
import { addFolder, FOLDER_LIMITS, type FolderLimits } from "./in-use-folder.ts";
import { Images } from "./in-use-images.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wharf-test-"));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

type Files = Readonly<Record<string, string | Uint8Array>>;

async function folderOf(files: Files): Promise<string> {
  const folder = await mkdtemp(join(root, "folder-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await Bun.write(join(folder, path), content);
  }
  return folder;
}

async function read(
  files: Files | string,
  environment: Readonly<Record<string, string>> = {},
  limits: FolderLimits = FOLDER_LIMITS,
): Promise<Images> {
  const images = new Images();
  const folder = typeof files === "string" ? files : await folderOf(files);
  await addFolder(folder, environment, images, limits);
  return images;
}

function uses(images: Images, ...names: readonly string[]): boolean[] {
  expect(images.failure).toBeNull();
  const inUse = images.inUse("manifests:x");
  return names.map((name) => {
    const [repository = "", tag = ""] = name.split(":");
    return inUse.tag(parseName(repository), parseTag(tag)) !== null;
  });
}

const POD = (image: string, key = "containers"): string =>
  `{ ${key}: [{ name: c, image: ${image} }] }`;

describe("manifests of Kubernetes", () => {
  test("name images in containers of every kind, at any depth, in every document", async () => {
    const images = await read({
      "pod.yaml": `kind: Pod\nspec: ${POD("a:1")}\n---\n# nothing\n---\nkind: Pod\nspec: ${POD("b:1", "initContainers")}\n`,
      "deep/er/cron.yml": `kind: CronJob\nspec: { jobTemplate: { spec: { template: { spec: ${POD("c:1")} } } } }\n`,
      "rollout.yaml": `apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: { template: { spec: ${POD("d:1", "ephemeralContainers")} } }\n`,
      "list.json": `{"kind":"List","items":[{"kind":"Pod","spec":{"containers":[{"image":"e:1"}]}}]}`,
      "task.yaml": `kind: Task\nspec: { steps: [{ image: "f:1" }] }\n`,
      "prometheus.yaml": `kind: Prometheus\nspec: { image: "hub.example/g:1", baseImage: "h:1" }\n`,
      "operator.yaml": `kind: Pod\nspec: { containers: [{ image: "i:1", env: [{ name: RELATED_IMAGE_PROXY, value: "j:1" }] }] }\n`,
      "release.yaml": `kind: HelmRelease\nspec: { values: { image: { registry: hub.example, repository: k, tag: 1 }, sidecar: { image: { repository: l } } } }\n`,
      "README.md": "image: z:1\n",
    });

    const names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    expect(uses(images, ...names.map((name) => `${name}:1`))).toEqual(names.map(() => true));
    expect(uses(images, "l:whatever", "k:2", "z:1")).toEqual([true, false, false]);
  });

  test("may use anchors, and the same image twice", async () => {
    const images = await read({
      "a.yaml": `kind: Pod\nbase: &base { image: "a:1" }\nspec: { containers: [*base, { <<: *base, name: x }] }\n`,
    });

    expect(uses(images, "a:1")).toEqual([true]);
    expect(images.count).toBe(1);
  });

  test.each([
    [
      "a template of Helm",
      "spec:\n  {{- if .Values.x }}\n  containers: []\n",
      /a\.yaml: line 2: .*helm template/,
    ],
    [
      "a template in a value",
      `kind: Pod\nspec: ${POD('"{{ .Values.image }}"')}\n`,
      /containers\[0\]\.image: .* is no image/,
    ],
    ["a variable of envsubst", `kind: Pod\nspec: ${POD('"app:${TAG}"')}\n`, /is no image/],
    ["text that is no YAML", "a: [", /a\.yaml: line/],
    ["a key that stands twice", "kind: Pod\nspec: {}\nspec: {}\n", /a\.yaml: line 3/],
    [
      "a second document that is broken",
      `kind: Pod\nspec: ${POD("a:1")}\n---\n: : [\n`,
      /a\.yaml: line/,
    ],
    ["aliases that multiply", bomb(), /a\.yaml: /],
    ["bytes that are no text", new Uint8Array([0x61, 0xff, 0xfe]), /not UTF-8/],
  ])("are a fault with their path where there is %s", async (_, text, expected) => {
    const images = await read({ "a.yaml": text, "fine.yaml": `spec: ${POD("a:1")}\n` });

    expect(images.failure).toMatch(expected);
  });

  test("that are JSON and cut off are a fault", async () => {
    expect((await read({ "a.json": '{"kind":"Pod"' })).failure).toBe("a.json: it is no JSON");
  });

  test("are found through links, and links that go round in circles end", async () => {
    const other = await folderOf({ "pod.yaml": `spec: ${POD("a:1")}\n` });
    const folder = await folderOf({ "sub/pod.yaml": `spec: ${POD("b:1")}\n` });
    await symlink(other, join(folder, "linked"));
    await symlink(folder, join(folder, "sub", "round"));
    await symlink(join(other, "pod.yaml"), join(folder, "one.yaml"));

    expect(uses(await read(folder), "a:1", "b:1")).toEqual([true, true]);

    await symlink(join(folder, "nowhere"), join(folder, "broken.yaml"));
    expect((await read(folder)).failure).toMatch(/^broken\.yaml: it cannot be read/);
  });

  test("are refused beyond the limits, and never read in part", async () => {
    const files = { "a.yaml": `spec: ${POD("a:1")}\n`, "b.yaml": `spec: ${POD("b:1")}\n` };

    expect((await read(files, {}, { ...FOLDER_LIMITS, fileBytes: 10 })).failure).toMatch(/larger/);
    expect(read(files, {}, { ...FOLDER_LIMITS, files: 1 })).rejects.toThrow(
      /more than 1 manifests/,
    );
    expect(read(files, {}, { ...FOLDER_LIMITS, bytes: 60 })).rejects.toThrow(/more than 60 bytes/);
    expect(read(join(root, "nowhere"))).rejects.toThrow(/ENOENT/);
  });
});

/** Nine levels of nine references each. */
function bomb(): string {
  const levels = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (const [name, below] of ["ba", "cb", "dc", "ed", "fe", "gf", "hg"].map((two) => [...two])) {
    levels.push(`${name}: &${name} [${Array(9).fill(`*${below}`).join(",")}]`);
  }
  return levels.join("\n");
}

describe("Kustomize", () => {
  test("changes tags, digests and names, and both names count", async () => {
    const digest = `sha256:${"0a".repeat(32)}`;
    const images = await read({
      "base/pod.yaml": `spec: { containers: [{ image: "hub.example/app:1" }, { image: "web" }] }\n`,
      "over/kustomization.yaml": [
        "images:",
        "  - { name: hub.example/app, newName: hub.example/mirror/app }",
        '  - { name: web, newTag: "2" }',
        `  - { name: db, newName: mirror/db, digest: "${digest}" }`,
        "resources: [../base, 'https://example.com/more?ref=v1']",
      ].join("\n"),
    });

    expect(uses(images, "app:1", "mirror/app:1", "web:2", "web:latest", "web:3")).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(images.inUse("x").digest(parseName("mirror/db"), digest as never)).toBe("x");
    expect(images.remarks.join()).toContain("lies elsewhere");
  });

  test("without a name is a fault", async () => {
    const images = await read({ "kustomization.yaml": "images: [{ newTag: '1' }]\n" });

    expect(images.failure).toBe("kustomization.yaml: images[0]: has no name");
  });
});

describe("Compose", () => {
  test("names images of services; what it builds alone is none", async () => {
    const images = await read({
      "compose.yml": "services:\n  a: { image: hub.example/a:1 }\n  b: { build: . }\n  c:\n",
    });

    expect(uses(images, "a:1")).toEqual([true]);
    expect(images.count).toBe(1);
  });

  test("takes every value that a variable may have", async () => {
    const files = {
      "compose.yml":
        "services: { a: { image: 'hub/a:${TAG:-1}' }, b: { image: 'hub/b:$OTHER' } }\n",
      ".env": "OTHER='5' # five\nexport TAG=2\n",
    };

    const images = await read(files, { TAG: "3" });
    expect(uses(images, "hub/a:1", "hub/a:2", "hub/a:3", "hub/b:5")).toEqual(Array(4).fill(true));
  });

  test("says where it took a default, and fails where there is no value", async () => {
    const image = (text: string): Promise<Images> =>
      read({ "compose.yml": `services: { a: { image: '${text}' } }\n` });

    expect((await image("a:${TAG:-1}")).remarks.join()).toContain('is taken as its default, "a:1"');
    expect((await image("a:${TAG}")).failure).toMatch(
      /compose\.yml: services\.a\.image: "a:\$\{TAG\}": the variable TAG is not set/,
    );
    expect((await image("a:${TAG:?tell}")).failure).toMatch(/TAG is not set/);
    expect((await image("a:${TAG")).failure).toMatch(/begins no variable/);
  });

  test.each([
    ["a:$T", "a:1"],
    ["a:${T}", "a:1"],
    ["a:${T-2}", "a:1"],
    ["a:${N:-2}", "a:2"],
    ["a:${N:-${T}}", "a:1"],
    ["a:${N-${M:-x}-y}", "a:x-y"],
    ["a:${T:+9}", "a:9"],
    ["a${N:+:9}", "a"],
    ["a:${E:-2}", "a:2"],
    ["$$a", "$a"],
  ])("replaces %s", (text, expected) => {
    expect(interpolate(text, { T: "1", E: "" })).toBe(expected);
  });

  test("ends with every text, and leaves those without a dollar alone", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."$${}{}:-?+aA1_ ") }), (text) => {
        const result = interpolate(text, { A: "x" });
        if (!text.includes("$")) expect(result).toBe(text);
      }),
    );
  });
});
