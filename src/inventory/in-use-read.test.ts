import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { type InUseSettings, readInUse } from "./in-use-read.ts";

let folder: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const ENVIRONMENT = { PATH: process.env["PATH"] ?? "" };

async function written(text: string | Uint8Array): Promise<string> {
  const path = join(folder, `file-${files++}`);
  await Bun.write(path, text);
  return path;
}

/** Whether the images (`REPO:TAG`, `REPO@DIGEST`) are in use; a text: why nobody knows. */
async function ask(
  source: string,
  images: readonly string[],
  settings: InUseSettings = { environment: ENVIRONMENT },
): Promise<boolean[] | string> {
  const reading = (await readInUse([source], settings)).get(source);
  if (reading === undefined) throw new Error("it was not read");
  if ("failure" in reading) return reading.failure;
  return images.map((image) => {
    const [, name = "", mark, rest = ""] = /^([^:@]+)([:@])(.+)$/.exec(image) ?? [];
    const repository = parseName(name);
    const found =
      mark === "@"
        ? reading.images.digest(repository, parseDigest(rest))
        : reading.images.tag(repository, parseTag(rest));
    expect([null, source]).toContain(found);
    return found !== null;
  });
}

const DIGEST = `sha256:${"ab12".repeat(16)}`;
const OTHER = `sha256:${"cd34".repeat(16)}`;

describe("a file of images", () => {
  test("has one a line, and comments, blank lines and any end of lines", async () => {
    const path = await written(
      "\uFEFF# what runs\r\n\r\nhub.example/team/app:1.0\r\n  team/web:2 # the page\n\n" +
        `team/db@${DIGEST}\rlast:3`,
    );

    expect(
      await ask(`file:${path}`, [
        "team/app:1.0",
        "team/web:2",
        `team/db@${DIGEST}`,
        "last:3",
        "team/app:1.1",
        "app:1.0",
        `team/db@${OTHER}`,
        `team/app@${DIGEST}`,
      ]),
    ).toEqual([true, true, true, true, false, false, false, false]);
  });

  test("keeps the tag of an image that is named with its digest, and the digest", async () => {
    const path = await written(`hub.example/team/app:1@${DIGEST}\n`);

    expect(await ask(`file:${path}`, ["team/app:1", `team/app@${DIGEST}`])).toEqual([true, true]);
  });

  test("keeps what a digest without a repository names, wherever it is", async () => {
    const path = await written(`${DIGEST}\n${OTHER.slice(7, 19)}\n`);

    expect(await ask(`file:${path}`, [`a@${DIGEST}`, `b/c@${DIGEST}`, `a@${OTHER}`])).toEqual([
      true,
      true,
      true,
    ]);
  });

  test.each([
    ["that is not there", () => join(folder, "nowhere"), /file:.*nowhere: ENOENT/],
    ["that is a folder", () => folder, /it is no file/],
    ["that is empty", () => written(""), /it names no image/],
    ["of comments alone", () => written("# nothing\n\n"), /it names no image/],
    ["with a line that is none", () => written("a:1\nb c\n"), /line 2: "b c" is no image/],
    ["with a template", () => written("app:{{ tag }}\n"), /line 1: .* is no image/],
    ["that is not text", () => written(new Uint8Array([0xff, 0xfe, 0x00])), /it is not UTF-8/],
  ])("%s is a failure that names it", async (_, make, expected) => {
    const path = await make();
    const answer = await ask(`file:${path}`, []);

    expect(answer).toMatch(expected);
    expect(answer).toContain(path);
  });

  test("has no line that hides another", async () => {
    const image = fc.stringMatching(/^[a-z]{1,6}(?:\/[a-z]{1,6})?:[a-z0-9]{1,6}$/);
    const noise = fc.constantFrom("", "  ", "# a:1", "\t# b");
    await fc.assert(
      fc.asyncProperty(
        fc.array(image, { minLength: 1, maxLength: 12 }),
        fc.array(noise, { maxLength: 5 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        async (images, lines, end) => {
          const path = await written([...lines, ...images, ...lines].join(end));
          expect(await ask(`file:${path}`, images)).toEqual(images.map(() => true));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("a command", () => {
  test("is a line of the shell that prints images", async () => {
    const source = "command:printf 'a:1\\n' && echo $WANTED | tr A-Z a-z";
    const environment = { ...ENVIRONMENT, WANTED: "B:2" };

    expect(await ask(source, ["a:1", "b:2", "c:3"], { environment })).toEqual([true, true, false]);
  });

  test.each([
    ["that fails after its list", "echo a:1; echo no rights >&2; exit 3", /code 3: no rights/],
    ["that is not there", "wharf-no-such-command", /code 127/],
    ["that prints nothing", "true", /it names no image/],
    ["that is killed", "echo a:1; kill -9 $$", /ended with SIGKILL/],
    ["that prints something else", "echo '{}'", /line 1: "{}" is no image/],
  ])("%s is a failure", async (_, line, expected) => {
    expect(await ask(`command:${line}`, [])).toMatch(expected);
  });

  test("that takes too long, or writes too much, is ended with its children", async () => {
    const limits = { milliseconds: 300, bytes: 1000 };
    const settings = { environment: ENVIRONMENT, limits };
    const begun = Date.now();

    expect(await ask("command:echo a:1; sleep 60; true", [], settings)).toMatch(/took longer/);
    expect(await ask("command:echo a:1; sleep 60 & exit 0", [], settings)).toMatch(/took longer/);
    expect(await ask("command:yes a:1", [], settings)).toMatch(/wrote more than 1000 bytes/);
    expect(Date.now() - begun).toBeLessThan(30_000);
  });

  test("cannot move the cursor of whoever reads what it complained about", async () => {
    const answer = await ask("command:printf '\\033[2Jgone' >&2; exit 1", []);

    expect(answer).toMatch(/u\{1b\}/);
    expect(answer).not.toContain("\u001b");
  });
});

describe("the pods of a cluster", () => {
  const pods = (items: readonly unknown[], metadata = {}): string =>
    JSON.stringify({ apiVersion: "v1", kind: "List", items, metadata });
  const POD = {
    kind: "Pod",
    metadata: { namespace: "shop", name: "web-0" },
    spec: {
      initContainers: [{ name: "i", image: "hub.example/init:1" }],
      containers: [
        {
          name: "c",
          image: "hub.example/shop/web:2",
          args: ["--sidecar-image=hub.example/side:3"],
        },
      ],
      ephemeralContainers: [{ name: "e", image: "hub.example/debug:4" }],
      volumes: [{ name: "v", image: { reference: "hub.example/models:5" } }],
    },
    status: {
      initContainerStatuses: [{ image: "init:1", imageID: `hub.example/init@${DIGEST}` }],
      containerStatuses: [
        { image: "sha256:1", imageID: `docker-pullable://hub.example/shop/web@${OTHER}` },
        { image: "", imageID: "" },
      ],
      ephemeralContainerStatuses: [{ imageID: DIGEST }],
    },
  };
  const NAMED = [
    "init:1",
    "shop/web:2",
    "side:3",
    "debug:4",
    "models:5",
    `init@${DIGEST}`,
    `shop/web@${OTHER}`,
    `debug@${DIGEST}`,
  ];

  test("are all the images of their specs, and the digests of their statuses", async () => {
    const path = await written(pods([POD]));

    expect(await ask(`kubernetes:${path}`, [...NAMED, "shop/web:1"])).toEqual([
      ...NAMED.map(() => true),
      false,
    ]);
  });

  test("may be one pod, or a list of other kinds", async () => {
    const one = await written(JSON.stringify(POD));
    const job = { spec: { jobTemplate: { spec: { template: { spec: POD.spec } } } } };
    const other = await written(pods([{ kind: "CronJob", metadata: { name: "x" }, ...job }]));

    expect(await ask(`kubernetes:${one}`, ["shop/web:2"])).toEqual([true]);
    expect(await ask(`kubernetes:${other}`, ["shop/web:2", "init:1"])).toEqual([true, true]);
  });

  test.each([
    ["cut off", pods([POD]).slice(0, -40), /it is no JSON, or it is cut off/],
    ["empty", "", /it is empty/],
    ["a list of nothing", pods([]), /it lists nothing/],
    ["a part of a list", pods([POD], { continue: "abc" }), /there is more/],
    ["no list", "[]", /it is not what/],
    ["an error", JSON.stringify({ kind: "Status", status: "Failure" }), /it names no image/],
    ["without items", JSON.stringify({ kind: "PodList" }), /without items/],
    [
      "of a pod with an image that is none",
      pods([{ ...POD, spec: { containers: [{ image: "NO IMAGE" }] } }]),
      /Pod shop\/web-0.*spec\.containers\[0\]\.image: "NO IMAGE" is no image/,
    ],
    ["nested without end", `{"kind":"Pod","x":${"[".repeat(5000)}${"]".repeat(5000)}}`, /deeper/],
  ])("are not known where the answer is %s", async (_, text, expected) => {
    expect(await ask(`kubernetes:${await written(text)}`, [])).toMatch(expected);
  });

  test("come from kubectl", async () => {
    const bin = await mkdtemp(join(folder, "bin-"));
    const answer = await written(pods([POD]));
    const script = (text: string): Promise<number> =>
      Bun.write(join(bin, "kubectl"), `#!/bin/sh\n${text}\n`);
    const environment = { PATH: `${bin}:${ENVIRONMENT.PATH}` };
    await script(`test "$*" = "get pods -A -o json" && cat ${answer}`);
    await chmod(join(bin, "kubectl"), 0o755);

    expect(await ask("kubernetes", NAMED, { environment })).toEqual(NAMED.map(() => true));

    await script("echo 'connection refused' >&2; exit 1");
    expect(await ask("kubernetes", [], { environment })).toMatch(/connection refused/);
    expect(await ask("kubernetes", [], { environment: { PATH: "" } })).toMatch(/was not found/);
  });

  test("cut off anywhere are never an answer", async () => {
    const text = pods([POD, POD]);
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), async (length) => {
        expect(await ask(`kubernetes:${await written(text.slice(0, length))}`, [])).toBeString();
      }),
      { numRuns: 50 },
    );
  });
});

test("a kind of source that there is not is a failure, and each source is read once", async () => {
  const path = await written("a:1\n");
  const sources = ["docker:x", `file:${path}`, `file:${path}`];
  const readings = await readInUse(sources, { environment: ENVIRONMENT });

  expect([...readings.keys()]).toEqual(["docker:x", `file:${path}`]);
  expect(readings.get("docker:x")).toMatchObject({ failure: expect.stringContaining("no such") });
  expect(readings.get(`file:${path}`)).toMatchObject({ count: 1, remarks: [] });
});
