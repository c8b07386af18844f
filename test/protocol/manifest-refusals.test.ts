import { beforeAll, describe, test } from "bun:test";
import { blob, mediaTypes } from "../support/oci.ts";
import {
  artifactType,
  emptyConfig,
  fresh,
  indexText,
  manifestText,
  pushBytes,
  putManifest,
  unknownDigest,
  utf8,
} from "./support/content.ts";
import { exchange, rawRequest } from "./support/raw.ts";
import { expectRefused } from "./support/refused.ts";
import { sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();
const name = "refusals";
const config = emptyConfig.descriptor;
const { bytes, descriptor: layer } = blob(mediaTypes.layer, fresh(64).bytes);
/** Of Docker's first format: it names its layers in another key. */
const schema1 = "application/vnd.docker.distribution.manifest.v1+json";

beforeAll(async () => {
  for (const content of [emptyConfig.bytes, bytes]) await pushBytes(registry.url, name, content);
});

/** A manifest as text, with one piece replaced by what JSON.stringify would not write. */
const edited = (from: string | RegExp, to: string) => {
  const text = manifestText({ layers: [layer] });
  const result = text.replace(from, to);
  if (result === text) throw new Error(`${String(from)} is not in the manifest`);
  return result;
};
const layerWith = (parts: object) => manifestText({ layers: [{ ...layer, ...parts }] });
const nested = (depth: number) =>
  manifestText({ deep: JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown });

type Row = readonly [
  what: string,
  text: string | Uint8Array<ArrayBuffer>,
  reason: RegExp,
  contentType?: string,
];

describe("a manifest is refused, and leaves no trace, when", () => {
  const syntax: readonly Row[] = [
    ["it is empty", "", /not JSON/],
    ["it is null", "null", /not a JSON object/],
    ["it is a list", "[]", /not a JSON object/],
    ["it is a string", '"manifest"', /not a JSON object/],
    ["it is cut off", manifestText().slice(0, -1), /not JSON/],
    ["something follows it", `${manifestText()}x`, /not JSON/],
    ["another one follows it", manifestText().repeat(2), /not JSON/],
    ["a NUL follows it", `${manifestText()}\0`, /not JSON/],
    ["it has a NUL in a string", edited('"layers"', '"a":"\0","layers"'), /not JSON/],
    ["it has a comment", edited("{", "{/* */"), /not JSON/],
    ["it has a comma too many", edited(/}$/, ",}"), /not JSON/],
    ["it has NaN", edited(`"size":${layer.size}`, '"size":NaN'), /not JSON/],
    ["it has single quotes", "{'schemaVersion':2}", /not JSON/],
    ["it begins with a byte order mark", `\ufeff${manifestText()}`, /byte order mark/],
    ["it is UTF-16", new Uint8Array(Buffer.from(manifestText(), "utf16le")), /not JSON|UTF-8/],
    [
      "it is UTF-16 with a mark",
      new Uint8Array(Buffer.from(`\ufeff${manifestText()}`, "utf16le")),
      /UTF-8/,
    ],
    [
      "it is not UTF-8",
      new Uint8Array(Buffer.from(edited('"layers"', '"a":"\xff","layers"'), "latin1")),
      /UTF-8/,
    ],
    [
      "it has an overlong slash",
      new Uint8Array(Buffer.from(edited('"layers"', '"a":"\xc0\xaf","layers"'), "latin1")),
      /UTF-8/,
    ],
    ["it is compressed", Bun.gzipSync(utf8(manifestText())), /UTF-8|not JSON/],
    ["it nests deeper than 32 levels", nested(32), /nests deeper/],
    ["it is four megabytes of [", "[".repeat(4_000_000), /nests deeper/],
    ['it is four megabytes of {"a":', '{"a":'.repeat(800_000), /nests deeper/],
    ["it is a string without an end", `"${"x".repeat(1_000_000)}`, /string does not end/],
  ];

  const ambiguity: readonly Row[] = [
    ["layers stand twice", edited("{", '{"layers":[],'), /"layers" stands twice/],
    [
      "mediaType stands twice",
      edited("{", `{"mediaType":"${mediaTypes.index}",`),
      /"mediaType" stands twice/,
    ],
    [
      "a digest stands twice",
      edited('"digest"', `"digest":"${unknownDigest}","digest"`),
      /"digest" stands twice/,
    ],
    [
      "a key stands twice in two spellings",
      edited("{", String.raw`{"l\u0061yers":[],`),
      /stands twice/,
    ],
    [
      "a key stands a second time in other letters",
      edited("{", '{"Layers":[],'),
      /would be read as "layers"/,
    ],
    ["a key is spelled with the long s", edited("{", '{"layerſ":[],'), /would be read as "layers"/],
    [
      "a descriptor's key is in capitals",
      edited('"size"', '"SIZE":1,"size"'),
      /would be read as "size"/,
    ],
    [
      "it has layers and manifests",
      manifestText({ manifests: [] }),
      /must not have the key "manifests"/,
    ],
    [
      "it has config and fsLayers",
      manifestText({ fsLayers: [] }),
      /must not have the key "fsLayers"/,
    ],
    [
      "it is an index with layers",
      indexText([], { layers: [] }),
      /must not have the key "layers"/,
      mediaTypes.index,
    ],
    [
      "it is an index with a config",
      indexText([], { config }),
      /must not have the key "config"/,
      mediaTypes.index,
    ],
    [
      "it is a list with layers",
      indexText([], { mediaType: mediaTypes.dockerIndex, layers: [] }),
      /"layers"/,
      mediaTypes.dockerIndex,
    ],
    [
      "it is an artifact with manifests",
      JSON.stringify({ mediaType: artifactType, manifests: [] }),
      /"manifests"/,
      artifactType,
    ],
  ];

  const types: readonly Row[] = [
    [
      "its Content-Type is that of an index",
      manifestText(),
      /mediaType is .* but the Content-Type is/,
      mediaTypes.index,
    ],
    [
      "its Content-Type is Docker's",
      manifestText(),
      /but the Content-Type is/,
      mediaTypes.dockerImage,
    ],
    [
      "its Content-Type is text/html",
      manifestText(),
      /but the Content-Type is text\/html/,
      "text/html",
    ],
    [
      "its mediaType is text/html",
      manifestText({ mediaType: "text/html" }),
      /"text\/html" is not one of/,
      "text/html",
    ],
    [
      "it is of Docker's first format",
      JSON.stringify({ schemaVersion: 1, mediaType: schema1 }),
      /is not one of/,
      schema1,
    ],
    ["its mediaType is no string", manifestText({ mediaType: 5 }), /mediaType must be a string/],
    ["its mediaType is null", manifestText({ mediaType: null }), /mediaType must be a string/],
    [
      "nothing says what it is",
      manifestText({ mediaType: undefined }),
      /neither a Content-Type nor a mediaType/,
      " ",
    ],
    [
      "its mediaType is __proto__",
      manifestText({ mediaType: "__proto__" }),
      /is not one of/,
      "__proto__",
    ],
    ["its schemaVersion is 1", manifestText({ schemaVersion: 1 }), /schemaVersion must be 2/],
    ['its schemaVersion is "2"', manifestText({ schemaVersion: "2" }), /schemaVersion must be 2/],
    [
      "it has no schemaVersion",
      manifestText({ schemaVersion: undefined }),
      /schemaVersion must be 2/,
    ],
    [
      "its artifactType is a number",
      manifestText({ artifactType: 1 }),
      /artifactType must be a string/,
    ],
  ];

  const descriptors: readonly Row[] = [
    ["a size is negative", layerWith({ size: -1 }), /layers\[0\]\.size" must be a whole number/],
    ["a size is a fraction", layerWith({ size: 1.5 }), /size" must be a whole number/],
    ["a size is 2^53", layerWith({ size: 2 ** 53 }), /size" must be a whole number/],
    [
      "a size is 2^63",
      edited(`"size":${layer.size}`, '"size":9223372036854775808'),
      /size" must be a whole number/,
    ],
    [
      "a size is 1e999",
      edited(`"size":${layer.size}`, '"size":1e999'),
      /size" must be a whole number/,
    ],
    ['a size is "5"', layerWith({ size: "5" }), /size" must be a whole number/],
    ["a size is missing", layerWith({ size: undefined }), /size" must be a whole number/],
    ["a size is null", layerWith({ size: null }), /size" must be a whole number/],
    ["a digest is missing", layerWith({ digest: undefined }), /layers\[0\]\.digest" is not/],
    [
      "a digest is in capitals",
      layerWith({ digest: layer.digest.toUpperCase() }),
      /digest" is not/,
    ],
    ["a digest is a path", layerWith({ digest: "sha256:../../../etc/passwd" }), /digest" is not/],
    [
      "a digest is md5",
      layerWith({ digest: "md5:d41d8cd98f00b204e9800998ecf8427e" }),
      /digest" is not/,
    ],
    ["a digest is an object", layerWith({ digest: {} }), /digest" is not/],
    ["a digest has a line end", layerWith({ digest: `${layer.digest}\n` }), /digest" is not/],
    [
      "a mediaType is missing",
      layerWith({ mediaType: undefined }),
      /layers\[0\]\.mediaType" is missing/,
    ],
    ["a mediaType is empty", layerWith({ mediaType: "" }), /mediaType" is missing/],
    [
      "urls are a string",
      layerWith({ urls: "https://a.example" }),
      /urls" must be a list of strings/,
    ],
    [
      "urls have a number",
      layerWith({ urls: ["https://a.example", 1] }),
      /urls" must be a list of strings/,
    ],
    [
      "embedded data is other content",
      layerWith({ data: "AAAA" }),
      /data" is not the content of its digest/,
    ],
    ["embedded data is a number", layerWith({ data: 5 }), /data" must be a base64 string/],
    [
      "embedded data is four megabytes of zeros",
      layerWith({ data: "A".repeat(4_000_000) }),
      /data" is not the content/,
    ],
    [
      "embedded data has another size than it says",
      layerWith({ ...config, size: 3, data: "e30=" }),
      /data" is not the content/,
    ],
    ["there is no config", manifestText({ config: undefined }), /"config" must be a descriptor/],
    ["the config is a list", manifestText({ config: [] }), /"config" must be a descriptor/],
    ["there are no layers", manifestText({ layers: undefined }), /"layers" must be a list/],
    ["layers are an object", manifestText({ layers: {} }), /"layers" must be a list/],
    [
      "a layer is null",
      manifestText({ layers: [layer, null] }),
      /"layers\[1\]" must be a descriptor/,
    ],
    [
      "a layer is a digest",
      manifestText({ layers: [layer.digest] }),
      /"layers\[0\]" must be a descriptor/,
    ],
    [
      "there are no manifests",
      indexText([], { manifests: undefined }),
      /"manifests" must be a list/,
      mediaTypes.index,
    ],
    [
      "a manifest is a string",
      indexText(["x"]),
      /"manifests\[0\]" must be a descriptor/,
      mediaTypes.index,
    ],
    [
      "the subject is a string",
      manifestText({ subject: unknownDigest }),
      /"subject" must be a descriptor/,
    ],
    [
      "the subject has no digest",
      manifestText({ subject: { ...config, digest: "" } }),
      /"subject\.digest" is not/,
    ],
    ["annotations are a list", manifestText({ annotations: [] }), /annotations must be an object/],
    [
      "an annotation is a number",
      manifestText({ annotations: { a: 1 } }),
      /annotation "a" must be a string/,
    ],
    [
      "an annotation is null",
      manifestText({ annotations: { a: null } }),
      /annotation "a" must be a string/,
    ],
  ];

  for (const [what, text, reason, contentType] of [
    ...syntax,
    ...ambiguity,
    ...types,
    ...descriptors,
  ]) {
    test(what, async () => {
      const send = () => putManifest(registry.url, name, "v1", text, contentType);
      await expectRefused(registry, send, { status: 400, code: "MANIFEST_INVALID", reason });
    });
  }

  test("its Content-Type is twelve kilobytes long", async () => {
    const headers = [`Content-Type: application/${"x".repeat(12_000)}`];
    const request = rawRequest("PUT", `/v2/${name}/manifests/v1`, {
      headers,
      body: manifestText(),
    });
    await expectRefused(registry, () => exchange(registry.port, request), {
      status: 400,
      code: "MANIFEST_INVALID",
    });
  });
});
