import { describe, expect, test } from "bun:test";
import { digestOf } from "./digest.ts";
import {
  type Fields,
  CONFIG,
  FOREIGN_LAYER,
  LAYER,
  artifact,
  descriptor,
  encode,
  image,
  index,
  parse,
  refusal,
  refusalOf,
  without,
} from "./manifest-builders.ts";
import { OCI_IMAGE } from "./media-types.ts";

describe("a document that two clients could read differently", () => {
  test.each([
    ["an image with the entries of an index", image({ manifests: [] })],
    ["an image with null for the entries of an index", image({ manifests: null })],
    ["an image with the layers of Docker schema 1", image({ fsLayers: [] })],
    ["an image with the blobs of an artifact", image({ blobs: [] })],
    ["an index with layers", index({ layers: [] })],
    ["an index with a config", index({ config: descriptor("c", CONFIG) })],
    ["an index with the layers of Docker schema 1", index({ fsLayers: [] })],
    ["an index with blobs", index({ blobs: [] })],
    ["an artifact with layers", artifact({ layers: [] })],
    ["an artifact with a config", artifact({ config: {} })],
    ["an artifact with entries", artifact({ manifests: [] })],
  ])("is refused: %s", (_, document) => {
    expect(refusalOf(document)).toContain("must not have the key");
  });

  test.each(["mediaType", "config", "layers", "schemaVersion", "subject", "annotations"])(
    "is refused: the key %p twice",
    (key) => {
      const text = JSON.stringify(image({ subject: descriptor("s", OCI_IMAGE), annotations: {} }));

      expect(refusal(encode(`{${JSON.stringify(key)}:null,${text.slice(1)}`))).toContain(
        "stands twice",
      );
    },
  );

  test("is refused: a descriptor with two digests", () => {
    const text = JSON.stringify(image()).replace(
      '"digest":',
      `"digest":"${digestOf(encode("x"))}","digest":`,
    );

    expect(refusal(encode(text))).toContain("stands twice");
  });

  // Readers in Go do not mind the case of keys, and the last one wins.
  test.each([
    "Layers",
    "LAYERS",
    "layer\u017f",
    "Config",
    "MediaType",
    "Manifests",
    "SchemaVersion",
    "Subject",
    "FSLayers",
  ])("is refused: the key %p, which is another one to some clients", (key) => {
    expect(refusalOf(image({ [key]: [] }))).toContain("would be read as");
  });

  test.each(["Digest", "DIGEST", "Size", "MediaType", "URLs", "Data"])(
    "is refused: the key %p in a descriptor, which is another one to some clients",
    (key) => {
      const layers = [descriptor("l", LAYER, { [key]: digestOf(encode("other")) })];

      expect(refusalOf(image({ layers }))).toContain("would be read as");
    },
  );

  test("is not: keys that nobody knows, in any case", () => {
    const more = {
      "x-own": 1,
      X: { digest: 5 },
      __proto: 1,
      constructor: 1,
      toString: 1,
      valueOf: null,
    };

    expect(parse(image(more)).layers).toHaveLength(2);
  });

  test("is not: annotations whose names differ in case only", () => {
    expect(parse(image({ annotations: { Size: "1", size: "2" } })).annotations).toEqual({
      Size: "1",
      size: "2",
    });
  });
});

describe("the document", () => {
  test.each([
    ["nothing", ""],
    ["text", "hello"],
    ["a list", "[]"],
    ["null", "null"],
    ["a number", "1"],
    ["JSON in a text", JSON.stringify(JSON.stringify(image()))],
    ["bytes after the end", `${JSON.stringify(image())}{}`],
    ["4 MiB of opening lists", "[".repeat(4 * 1024 * 1024)],
    ["4 MiB of opening objects", '{"a":'.repeat(800_000)],
  ])("must be an object, not %s", (_, text) => {
    const began = performance.now();

    expect(refusal(encode(text), OCI_IMAGE)).toMatch(/^manifest invalid: .{1,150}$/);
    expect(performance.now() - began).toBeLessThan(500);
  });

  test.each([
    ["bad UTF-8", [0x7b, 0xff, 0x7d], "UTF-8"],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x7b, 0x7d], "byte order mark"],
  ])("must not have %s", (_, bytes, reason) => {
    expect(refusal(new Uint8Array(bytes), OCI_IMAGE)).toContain(reason);
  });

  test.each([
    ["an image", image()],
    ["an index", index()],
  ])("must have the schema version 2 when it is %s", (_, document) => {
    for (const schemaVersion of [1, 3, "2", null, undefined]) {
      expect(refusalOf({ ...document, schemaVersion })).toContain("schemaVersion");
    }
  });

  test.each([
    ["a config", without(image(), "config")],
    ["layers", without(image(), "layers")],
    ["entries", without(index(), "manifests")],
    ["a list of layers", image({ layers: {} })],
    ["a list of entries", index({ manifests: "x" })],
    ["a config, not null", image({ config: null })],
    ["a config that is a descriptor", image({ config: [] })],
  ])("must have %s", (_, document) => {
    expect(refusalOf(document)).toMatch(
      /"(?:config|layers|manifests)" must be a (?:list|descriptor)/,
    );
  });

  test("of an artifact may have no blobs", () => {
    expect(parse(without(artifact(), "blobs")).layers).toEqual([]);
  });

  test("may be large: 50,000 layers and 100,000 entries are read at once", () => {
    const began = performance.now();
    const layers = Array.from({ length: 50_000 }, (_, at) => descriptor(String(at), LAYER));
    const entries = Array.from({ length: 100_000 }, () => descriptor("child", OCI_IMAGE));

    expect(parse(image({ layers })).layers).toHaveLength(50_000);
    expect(parse(index({ manifests: entries })).children).toHaveLength(100_000);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe("a descriptor", () => {
  const inImage = (more: Fields): Fields =>
    image({ layers: [descriptor("ok", LAYER), descriptor("bad", LAYER, more)] });

  test.each([
    ["no media type", { mediaType: undefined }, "mediaType"],
    ["an empty media type", { mediaType: "" }, "mediaType"],
    ["a media type that is no text", { mediaType: 1 }, "mediaType"],
    ["no digest", { digest: undefined }, "digest"],
    ["a digest that is no text", { digest: 1 }, "digest"],
    ["a digest of an unknown algorithm", { digest: `md5:${"a".repeat(32)}` }, "digest"],
    ["a digest that is a path", { digest: "sha256:../../x" }, "digest"],
    ["a digest in capitals", { digest: `sha256:${"A".repeat(64)}` }, "digest"],
    ["no size", { size: undefined }, "size"],
    ["a size below zero", { size: -1 }, "size"],
    ["half a byte", { size: 1.5 }, "size"],
    ["a size that is no safe integer", { size: 2 ** 53 }, "size"],
    ["a huge size", { size: 2 ** 63 }, "size"],
    ["a size in quotes", { size: "5" }, "size"],
    ["null for a size", { size: null }, "size"],
    ["one url instead of a list", { urls: "https://example.com" }, "urls"],
    ["urls that are no texts", { urls: [1] }, "urls"],
    ["null for urls", { urls: null }, "urls"],
    ["data that is no text", { data: 1 }, "data"],
  ])("must not have %s", (_, more, key) => {
    expect(refusalOf(inImage(more))).toContain(`"layers[1].${key}"`);
  });

  test("must not have a size beyond all numbers", () => {
    const text = JSON.stringify(image()).replace('"size":6', '"size":1e999');

    expect(refusal(encode(text))).toContain('"config.size"');
  });

  test.each([
    ["an entry of an index", index({ manifests: [null] }), "manifests[0]"],
    ["a blob of an artifact", artifact({ blobs: ["x"] }), "blobs[0]"],
    ["a subject", image({ subject: "x" }), "subject"],
    ["a subject of an index", index({ subject: [] }), "subject"],
  ])("must be one: %s", (_, document, where) => {
    expect(refusalOf(document)).toContain(`"${where}" must be a descriptor`);
  });

  test("may carry its content", () => {
    const data = Buffer.from("config").toString("base64");

    expect(parse(image({ config: descriptor("config", CONFIG, { data }) })).config?.size).toBe(6);
  });

  test("may carry its content under sha512", () => {
    const digest = digestOf(encode("config"), "sha512");
    const config = descriptor("config", CONFIG, {
      digest,
      data: Buffer.from("config").toString("base64"),
    });

    expect(parse(image({ config })).config?.digest).toBe(digest);
  });

  test.each([
    ["other content", Buffer.from("c0nfig").toString("base64")],
    ["longer content", Buffer.from("config!").toString("base64")],
    ["nothing", ""],
    ["no base64", "!!!!"],
  ])("must not carry %s", (_, data) => {
    expect(refusalOf(image({ config: descriptor("config", CONFIG, { data }) }))).toContain(
      '"config.data"',
    );
  });

  test("must not carry its content under another size", () => {
    const data = Buffer.from("config").toString("base64");

    expect(refusalOf(image({ config: descriptor("config", CONFIG, { data, size: 5 }) }))).toContain(
      '"config.data"',
    );
  });

  test("keeps its urls as text: nobody here follows them", () => {
    const urls = [
      "http://169.254.169.254/latest",
      "file:///etc/passwd",
      "http://localhost:5000/v2/",
    ];

    expect(
      parse(image({ layers: [descriptor("f", FOREIGN_LAYER, { urls })] })).layers[0]?.urls,
    ).toEqual(urls);
  });

  test.each([
    [
      "system, architecture and variant",
      { os: "linux", architecture: "arm", variant: "v7" },
      "linux/arm/v7",
    ],
    ["system and architecture", { os: "linux", architecture: "amd64" }, "linux/amd64"],
    ["an empty variant", { os: "linux", architecture: "amd64", variant: "" }, "linux/amd64"],
  ])("in an index is known by its platform: %s", (_, platform, expected) => {
    const child = parse(index({ manifests: [descriptor("c", OCI_IMAGE, { platform })] }))
      .children[0];

    expect(child?.platform).toBe(expected);
  });

  test.each([
    ["has no architecture", { os: "linux" }],
    ["has a system that is a number", { os: 1, architecture: "amd64" }],
    ["is a text", "linux/amd64"],
    ["is null", null],
  ])("in an index has no platform when that %s", (_, platform) => {
    const child = parse(index({ manifests: [descriptor("c", OCI_IMAGE, { platform })] }))
      .children[0];

    expect(child).toBeDefined();
    expect(child?.platform).toBeUndefined();
  });
});
