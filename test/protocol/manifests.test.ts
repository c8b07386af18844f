import { describe, expect, test } from "bun:test";
import { type Fixture, image, index } from "../support/image.ts";
import { blob, mediaTypes } from "../support/oci.ts";
import { locationOf } from "../support/push.ts";
import {
  artifactType,
  digest,
  dockerForeignLayer,
  emptyConfig,
  fresh,
  indexText,
  manifestText,
  pushBytes,
  putManifest,
  unknownDigest,
  utf8,
} from "./support/content.ts";
import { type Answer, streamed } from "./support/http.ts";
import { expectRefusal, expectRefused } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();
const MIB = 1024 * 1024;

async function repository(): Promise<string> {
  const name = freshName("manifests");
  await pushBytes(registry.url, name, emptyConfig.bytes);
  return name;
}

/** The answer to a push names what was stored, and that can be pulled. */
async function expectStored(put: Answer, name: string, text: string): Promise<void> {
  expect([put.status, put.text]).toEqual([201, ""]);
  expect(put.headers.get("docker-content-digest")).toBe(digest(text));
  const location = new URL(locationOf(put, registry.url)).pathname;
  expect(location).toBe(`/v2/${name}/manifests/${digest(text)}`);
  const got = await registry.ask("GET", location);
  expect([got.status, digest(got.bytes)]).toEqual([200, digest(text)]);
}

async function tagsOf(name: string): Promise<readonly string[] | undefined> {
  return (await registry.ask("GET", `/v2/${name}/tags/list`)).json().tags;
}

describe("a manifest is accepted", () => {
  const fixtures: readonly [what: string, fixture: () => Fixture][] = [
    ["of an image", () => image({ layers: 3 })],
    ["of an image without layers", () => image({ layers: 0 })],
    ["of an image of Docker", () => image({ layers: 2, dockerSchema2: true })],
    ["of an artifact", () => image({ layers: 1, artifactType: "application/vnd.example" })],
    ["of an index", () => index([image(), image()])],
    ["of a list of Docker", () => index([image({ dockerSchema2: true })], { dockerSchema2: true })],
    ["of an empty index", () => index([])],
    ["of an index of indexes", () => index([index([image(), index([image()])]), index([])])],
    [
      "of an index that mixes formats",
      () => index([image({ dockerSchema2: true }), index([image()], { dockerSchema2: true })]),
    ],
  ];
  for (const [what, fixture] of fixtures) {
    test(what, async () => {
      const name = freshName("manifests");
      const made = fixture();
      await made.push(registry.url, name, "v1");
      const text = new TextDecoder().decode(made.bytes);
      await expectStored(
        await putManifest(registry.url, name, "v2", made.bytes, made.mediaType),
        name,
        text,
      );
      await expectStored(
        await putManifest(registry.url, name, made.digest, made.bytes, made.mediaType),
        name,
        text,
      );
      expect(await tagsOf(name)).toEqual(["v1", "v2"]);
    });
  }

  test("of the deprecated kind for artifacts, with and without blobs", async () => {
    const name = await repository();
    const { bytes, descriptor } = fresh();
    await pushBytes(registry.url, name, bytes);
    for (const parts of [
      {},
      { blobs: [descriptor] },
      { blobs: [], artifactType: "a/b", annotations: {} },
    ]) {
      const text = JSON.stringify({ mediaType: artifactType, ...parts });
      await expectStored(
        await putManifest(registry.url, name, "v1", text, artifactType),
        name,
        text,
      );
    }
  });

  test("of an index whose entries are layers and a config, as buildx keeps its cache", async () => {
    const name = freshName("manifests");
    const layer = blob(mediaTypes.layer, fresh().bytes);
    const config = blob("application/vnd.buildkit.cacheconfig.v0", utf8("{}"));
    const text = indexText([layer.descriptor, config.descriptor]);
    for (const { bytes } of [layer, config]) await pushBytes(registry.url, name, bytes);
    await expectStored(
      await putManifest(registry.url, name, "cache", text, mediaTypes.index),
      name,
      text,
    );
  });

  const foreign: readonly [what: string, layer: Record<string, unknown>][] = [
    ["with urls", { mediaType: mediaTypes.layer, urls: ["https://vendor.example/layer"] }],
    ["of Docker's foreign type", { mediaType: dockerForeignLayer }],
    [
      "of the nondistributable type",
      { mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" },
    ],
  ];
  for (const [what, layer] of foreign) {
    test(`although a layer ${what} is not here`, async () => {
      const name = await repository();
      const text = manifestText({ layers: [{ digest: unknownDigest, size: 5, ...layer }] });
      await expectStored(await putManifest(registry.url, name, "v1", text), name, text);
    });
  }

  test("with urls of any kind, and nothing is ever fetched from them", async () => {
    let asked = 0;
    const lure = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => (asked++, new Response("gotcha")),
    });
    try {
      const name = await repository();
      const urls = [
        `http://127.0.0.1:${lure.port}/`,
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "javascript:alert(1)",
      ];
      const text = manifestText({
        layers: [{ mediaType: dockerForeignLayer, digest: unknownDigest, size: 5, urls }],
      });
      await expectStored(await putManifest(registry.url, name, "v1", text), name, text);
      for (const path of [`/v2/${name}/manifests/v1`, `/v2/${name}/blobs/${unknownDigest}`])
        await registry.ask("GET", path);
      await Bun.sleep(50);
      expect(asked).toBe(0);
    } finally {
      await lure.stop(true);
    }
  });

  const types: readonly [what: string, contentType: string][] = [
    ["with a parameter in its Content-Type", `${mediaTypes.image}; charset=utf-8`],
    ["with a Content-Type in capitals", mediaTypes.image.toUpperCase()],
    ["with spaces around its Content-Type", `  ${mediaTypes.image}  ;x=y`],
  ];
  for (const [what, contentType] of types) {
    test(what, async () => {
      const name = await repository();
      const text = manifestText({ annotations: { name } });
      await expectStored(
        await putManifest(registry.url, name, "v1", text, contentType),
        name,
        text,
      );
      const got = await registry.ask("GET", `/v2/${name}/manifests/v1`);
      expect(got.headers.get("content-type")).toBe(mediaTypes.image);
    });
  }

  test("without a Content-Type when it says itself what it is", async () => {
    const name = await repository();
    const text = manifestText();
    const put = await registry.ask("PUT", `/v2/${name}/manifests/v1`, { body: utf8(text) });
    await expectStored(put, name, text);
  });

  test("with content embedded in a descriptor that is the content of its digest", async () => {
    const name = await repository();
    const text = manifestText({
      config: { ...emptyConfig.descriptor, data: Buffer.from("{}").toString("base64") },
    });
    await expectStored(await putManifest(registry.url, name, "v1", text), name, text);
  });

  test("with any annotations, and they come back as they were", async () => {
    const name = await repository();
    const text = `{"schemaVersion":2,"mediaType":"${mediaTypes.image}","config":${JSON.stringify(emptyConfig.descriptor)},
      "layers":[],"subject":${JSON.stringify({ ...emptyConfig.descriptor, digest: unknownDigest })},
      "annotations":{"__proto__":"a","constructor":"b","toString":"c","":"","\\u0000":"\\ud800","<img onerror>":"\\u001b[31m"}}`;
    await expectStored(await putManifest(registry.url, name, "v1", text), name, text);
    const { manifests } = (
      await registry.ask("GET", `/v2/${name}/referrers/${unknownDigest}`)
    ).json();
    expect(Object.entries(manifests?.[0]?.annotations ?? {})).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
      ["toString", "c"],
      ["", ""],
      ["\0", "\ud800"],
      ["<img onerror>", "\u001b[31m"],
    ]);
  });
});

describe("the tags of a push", () => {
  const tags = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`);
  const query = (names: readonly string[]) => `?${names.map((name) => `tag=${name}`).join("&")}`;

  for (const count of [1, 2, 10, 100]) {
    test(`may be ${count} parameters beside a digest, and the answer lists them`, async () => {
      const name = await repository();
      const text = manifestText();
      const put = await putManifest(registry.url, name, digest(text) + query(tags(count)), text);
      await expectStored(put, name, text);
      expect(put.headers.get("oci-tag")).toBe(tags(count).join(", "));
      expect(await tagsOf(name)).toEqual(tags(count).toSorted());
      for (const tag of tags(Math.min(3, count))) {
        expect(
          (await registry.ask("HEAD", `/v2/${name}/manifests/${tag}`)).headers.get(
            "docker-content-digest",
          ),
        ).toBe(digest(text));
      }
    });
  }

  test("may stand beside a tag, and a sha512 digest", async () => {
    const name = await repository();
    const text = manifestText();
    expect(
      (await putManifest(registry.url, name, "v1?tag=v2", text)).headers.get("oci-tag"),
    ).toContain("v2");
    const long = digest(text, "sha512");
    expect((await putManifest(registry.url, name, `${long}?tag=v3`, text)).status).toBe(201);
    expect(await tagsOf(name)).toEqual(["v1", "v2", "v3"]);
    expect(
      (await registry.ask("HEAD", `/v2/${name}/manifests/v3`)).headers.get("docker-content-digest"),
    ).toBe(long);
  });

  test("move to the last manifest, and the first is still there by its digest", async () => {
    const name = await repository();
    const texts = [
      manifestText({ annotations: { a: "1" } }),
      manifestText({ annotations: { a: "2" } }),
    ] as const;
    for (const text of [...texts, texts[0], texts[1]])
      await putManifest(registry.url, name, "v1", text);
    expect((await registry.ask("GET", `/v2/${name}/manifests/v1`)).text).toBe(texts[1]);
    for (const text of texts)
      expect((await registry.ask("GET", `/v2/${name}/manifests/${digest(text)}`)).text).toBe(text);
  });

  const bad: readonly [what: string, names: readonly string[], code: string, reason: RegExp][] = [
    ["that is malformed", ["v1", "-bad"], "MANIFEST_INVALID", /"-bad" is not a tag/],
    ["that is empty", ["v1", ""], "MANIFEST_INVALID", /"" is not a tag/],
    ["that is a digest", ["v1", unknownDigest], "MANIFEST_INVALID", /is not a tag/],
    ["that would end the header", ["v1", "a%0d%0aX-Evil:1"], "MANIFEST_INVALID", /is not a tag/],
    ["of 129 letters", ["v1", "a".repeat(129)], "MANIFEST_INVALID", /is not a tag/],
    ["too many", tags(101), "UNSUPPORTED", /at most 100/],
  ];
  for (const [what, names, code, reason] of bad) {
    test(`are refused as a whole with one ${what}`, async () => {
      const name = await repository();
      const text = manifestText();
      const send = () => putManifest(registry.url, name, digest(text) + query(names), text);
      await expectRefused(registry, send, { status: 400, code, reason });
    });
  }
});

describe("the size of a manifest", () => {
  /** A manifest of exactly so many bytes. */
  const sized = (size: number): string => {
    const text = manifestText({ annotations: { pad: "" } });
    return text.replace('"pad":""', `"pad":"${"x".repeat(size - text.length)}"`);
  };
  const tooLarge = { status: 413, code: "MANIFEST_INVALID", reason: /8388608 bytes/ };

  for (const size of [4 * MIB, 8 * MIB]) {
    test(`may be ${size} bytes, with Content-Length and streamed`, async () => {
      const name = await repository();
      const text = sized(size);
      await expectStored(await putManifest(registry.url, name, "v1", text), name, text);
      const pieces = [utf8(text.slice(0, 1_000_000)), utf8(text.slice(1_000_000))];
      await expectStored(
        await putManifest(registry.url, name, "v2", streamed(...pieces)),
        name,
        text,
      );
    });
  }

  for (const size of [8 * MIB + 1, 9 * MIB]) {
    test(`may not be ${size} bytes, with Content-Length or streamed`, async () => {
      const name = await repository();
      const text = sized(size);
      await expectRefused(registry, () => putManifest(registry.url, name, "v1", text), tooLarge);
      const pieces = () => streamed(utf8(text.slice(0, 8 * MIB)), utf8(text.slice(8 * MIB)));
      await expectRefused(
        registry,
        () => putManifest(registry.url, name, "v1", pieces()),
        tooLarge,
      );
    });
  }

  test("counts before anything else: larger ones are not even parsed", async () => {
    const name = await repository();
    await expectRefused(
      registry,
      () => putManifest(registry.url, name, "v1", "[".repeat(8 * MIB + 1)),
      tooLarge,
    );
  });
});

describe("a manifest pushed under a digest", () => {
  const text = manifestText();
  for (const wrong of [unknownDigest, `sha512:${"ab".repeat(64)}`]) {
    test(`that is not its own (${wrong.slice(0, 6)}) is refused`, async () => {
      const name = await repository();
      const refused = await expectRefused(
        registry,
        () => putManifest(registry.url, name, wrong, text),
        {
          status: 400,
          code: "DIGEST_INVALID",
          reason: /the manifest has the digest sha/,
        },
      );
      expect(refused.errors[0]?.detail).toMatchObject({ expected: wrong });
    });
  }

  test("of another algorithm than one it has already is a manifest of its own", async () => {
    const name = await repository();
    for (const algorithm of ["sha256", "sha512"] as const) {
      expect((await putManifest(registry.url, name, digest(text, algorithm), text)).status).toBe(
        201,
      );
    }
    expect((await registry.ask("DELETE", `/v2/${name}/manifests/${digest(text)}`)).status).toBe(
      202,
    );
    expect(
      (await registry.ask("GET", `/v2/${name}/manifests/${digest(text, "sha512")}`)).text,
    ).toBe(text);
    expectRefusal(await registry.ask("GET", `/v2/${name}/manifests/${digest(text)}`), {
      status: 404,
      code: "MANIFEST_UNKNOWN",
    });
  });
});
