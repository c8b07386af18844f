import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { digestOf } from "../../oci/digest.ts";
import { parseTag } from "../../oci/reference.ts";
import { isSignedFirstFormat } from "./first-format.ts";
import { configTime, manifestFacts, timeOf } from "./manifest-facts.ts";
import { makePlaceholder } from "./placeholder.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const digest = (text: string) => digestOf(new TextEncoder().encode(text));
const OCI = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const blob = (text: string, mediaType = LAYER, size = 10) => ({
  mediaType,
  digest: digest(text),
  size,
});

function facts(document: object) {
  const read = manifestFacts(encode(document));
  if (typeof read === "string") throw new Error(read);
  return read;
}

describe("what a manifest says", () => {
  test("of an image: each blob once, foreign ones not, and the config that has a time", () => {
    const layers = [blob("a"), blob("a"), { ...blob("b"), urls: ["https://vendor"] }];
    const read = facts({ schemaVersion: 2, mediaType: OCI, config: blob("c", CONFIG), layers });

    expect(read.blobs.map((one) => one.digest)).toEqual([digest("c"), digest("a")]);
    expect(read.config).toEqual({ digest: digest("c"), size: 10 });
    expect([read.children, read.subject, read.createdAt]).toEqual([[], null, null]);
  });

  test("of an index: its manifests, and layers among them as blobs", () => {
    const manifests = [blob("m", OCI), blob("n", INDEX), blob("cache")];
    const read = facts({ schemaVersion: 2, mediaType: INDEX, manifests });

    expect(read.children).toEqual([digest("m"), digest("n")]);
    expect(read.blobs).toEqual([{ digest: digest("cache"), size: 10 }]);
  });

  test("of an artifact: its subject, its type, and its time by the annotation", () => {
    const read = facts({
      schemaVersion: 2,
      mediaType: OCI,
      artifactType: "application/x-sbom",
      config: blob("{}", "application/vnd.oci.empty.v1+json", 2),
      layers: [blob("a")],
      subject: blob("image", OCI),
      annotations: { "org.opencontainers.image.created": "2026-01-02T03:04:05Z" },
    });

    expect([read.subject, read.artifactType]).toEqual([digest("image"), "application/x-sbom"]);
    expect(read.createdAt).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(read.config).toBeNull();
  });

  test("of Docker's first format: its layers, and the time of the newest", () => {
    const v1Compatibility = JSON.stringify({ created: "2015-06-01T10:00:00.123456789Z" });
    const read = facts({
      schemaVersion: 1,
      fsLayers: [{ blobSum: digest("a") }, { blobSum: digest("b") }, { blobSum: digest("a") }],
      history: [{ v1Compatibility }, { v1Compatibility: "{}" }],
    });

    expect(read.blobs.map((one) => one.digest)).toEqual([digest("a"), digest("b")]);
    expect(read.createdAt).toBe(Date.UTC(2015, 5, 1, 10, 0, 0, 123));
  });

  test("and what a placeholder stands for", () => {
    const placeholder = { tag: parseTag("old"), of: digest("image") };
    const made = makePlaceholder(placeholder, "1");

    expect(facts(JSON.parse(new TextDecoder().decode(made.bytes)) as object).placeholder).toEqual(
      placeholder,
    );
    expect(makePlaceholder(placeholder, "2").digest).not.toBe(made.digest);
  });

  test.each([
    ["a media type that nobody knows", { mediaType: "application/x-new", layers: [] }],
    ["no sign of what it is", { schemaVersion: 2 }],
    ["a layer without a digest", { mediaType: OCI, layers: [{ digest: "sha256:12" }] }],
    ["a key that some take for another", { mediaType: OCI, layers: [], Manifests: [] }],
    ["a subject that is none", { mediaType: OCI, layers: [], subject: "x" }],
  ])("is not believed with %s", (_, document) => {
    expect(typeof manifestFacts(encode(document))).toBe("string");
  });

  test("is facts or a reason, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          manifestFacts(bytes);
          configTime(bytes);
        },
      ),
    );
  });
});

describe("a time", () => {
  test.each([
    ["2026-01-02T03:04:05Z", Date.UTC(2026, 0, 2, 3, 4, 5)],
    ["2026-01-02T03:04:05.123456789Z", Date.UTC(2026, 0, 2, 3, 4, 5, 123)],
    ["2026-01-02T03:04:05+01:00", Date.UTC(2026, 0, 2, 2, 4, 5)],
    ["1970-01-01T00:00:00Z", 0],
    ["0001-01-01T00:00:00Z", Date.parse("0001-01-01T00:00:00Z")],
  ])("%s is read", (text, time) => {
    expect(timeOf(text)).toBe(time);
  });

  test.each(["", "yesterday", "2026-01-02", "1767322800", "2026-13-02T03:04:05Z", 5, null, {}])(
    "%p is none",
    (value) => {
      expect(timeOf(value)).toBeNull();
    },
  );
});

test("a signed manifest of Docker's first format is checked without its signatures", () => {
  const signed = JSON.stringify({ schemaVersion: 1, fsLayers: [] }, null, 3);
  const head = {
    formatLength: signed.length - 2,
    formatTail: Buffer.from("\n}").toString("base64url"),
  };
  const signatures = [{ protected: Buffer.from(JSON.stringify(head)).toString("base64url") }];
  const whole = `${signed.slice(0, -2)},\n   "signatures": ${JSON.stringify(signatures)}\n}`;
  const bytes = new TextEncoder().encode(whole);

  expect(isSignedFirstFormat(bytes, digest(signed))).toBe(true);
  expect(isSignedFirstFormat(bytes, digest("other"))).toBe(false);
  expect(isSignedFirstFormat(new TextEncoder().encode("{}"), digest("{}"))).toBe(false);
});
