import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { digestOf, parseDigest } from "./digest.ts";
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
  refusalOf,
  without,
} from "./manifest-builders.ts";
import { type Descriptor, type Manifest, parseManifest, requirements } from "./manifest.ts";
import {
  DOCKER_IMAGE,
  DOCKER_LIST,
  DOCKER_SCHEMA1,
  OCI_ARTIFACT,
  OCI_IMAGE,
  OCI_INDEX,
  manifestKind,
} from "./media-types.ts";

describe("a manifest means what it says", () => {
  const mediaType = fc.constantFrom(
    LAYER,
    FOREIGN_LAYER,
    CONFIG,
    OCI_IMAGE,
    OCI_INDEX,
    "application/x",
  );
  const anyDescriptor: fc.Arbitrary<Descriptor> = fc.record({
    mediaType,
    digest: fc
      .tuple(fc.constantFrom("sha256" as const, "sha512" as const), fc.uint8Array({ maxLength: 4 }))
      .map(([algorithm, bytes]) => digestOf(bytes, algorithm)),
    size: fc.oneof(fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER)),
    urls: fc.array(fc.webUrl(), { maxLength: 1 }),
  });
  const child = fc
    .tuple(
      anyDescriptor,
      fc.option(fc.constantFrom("linux/amd64", "linux/arm/v7"), { nil: undefined }),
    )
    .map(([one, platform]) => (platform === undefined ? one : { ...one, platform }));
  const common = {
    subject: fc.option(anyDescriptor),
    annotations: fc.option(fc.dictionary(fc.string(), fc.string())),
  };
  const noContent = {
    config: fc.constant(null),
    layers: fc.constant([]),
    children: fc.constant([]),
  };
  const ownType = fc.option(fc.constantFrom("application/x", "text/html"));

  const manifest: fc.Arbitrary<Manifest> = fc.oneof(
    fc.record({
      ...common,
      mediaType: fc.constantFrom(OCI_IMAGE, DOCKER_IMAGE),
      kind: fc.constant("image" as const),
      config: anyDescriptor,
      layers: fc.array(anyDescriptor, { maxLength: 4 }),
      children: fc.constant([]),
      artifactType: fc.constantFrom("application/x", "text/html"),
    }),
    fc.record({
      ...common,
      ...noContent,
      mediaType: fc.constantFrom(OCI_INDEX, DOCKER_LIST),
      kind: fc.constant("index" as const),
      children: fc.array(child, { maxLength: 4 }),
      artifactType: ownType,
    }),
    fc.record({
      ...common,
      ...noContent,
      mediaType: fc.constant(OCI_ARTIFACT),
      kind: fc.constant("artifact" as const),
      layers: fc.array(anyDescriptor, { maxLength: 4 }),
      artifactType: ownType,
    }),
  );

  function format({
    mediaType: type,
    kind,
    config,
    layers,
    children,
    subject,
    ...more
  }: Manifest): Fields {
    const content = {
      image: { config, layers: layers.map(formatDescriptor) },
      index: { manifests: children.map(formatDescriptor) },
      artifact: { blobs: layers },
    };
    const optional = Object.entries({ subject, ...more }).filter(([, value]) => value !== null);
    return { schemaVersion: 2, mediaType: type, ...content[kind], ...Object.fromEntries(optional) };
  }

  function formatDescriptor({ platform, ...one }: Descriptor): Fields {
    const [os, architecture, variant] = platform?.split("/") ?? [];
    return { ...one, ...(os && { platform: { os, architecture, ...(variant && { variant }) } }) };
  }

  test("writing a manifest and reading it gives the same manifest, with or without its Content-Type", () => {
    fc.assert(
      fc.property(manifest, fc.boolean(), (one, withContentType) => {
        expect(parse(format(one), withContentType ? one.mediaType : null)).toEqual(one);
      }),
    );
  });

  test("everything it names must be in the repository, foreign layers and the subject excepted", () => {
    fc.assert(
      fc.property(manifest, (one) => {
        const layers = one.layers.filter(
          ({ urls, mediaType: type }) => urls.length === 0 && type !== FOREIGN_LAYER,
        );
        const expected = [...(one.config ? [one.config] : []), ...layers, ...one.children];
        const required = requirements(one).filter((named) => named.required);
        expect(required.map(({ digest }) => digest)).toEqual(expected.map(({ digest }) => digest));
      }),
    );
  });
});

describe("what must be in the repository", () => {
  test("is named with its size and role, in the order of the manifest", () => {
    const required = requirements(parse(image()));

    expect(required.map(({ role, size, manifest }) => ({ role, size, manifest }))).toEqual([
      { role: "config", size: 6, manifest: false },
      { role: "layer", size: 3, manifest: false },
      { role: "layer", size: 3, manifest: false },
    ]);
  });

  test.each([
    ["of a foreign media type", descriptor("f", FOREIGN_LAYER)],
    [
      "that is not distributable",
      descriptor("f", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    ],
    ["that has urls", descriptor("f", LAYER, { urls: ["https://example.com/layer"] })],
  ])("names a layer %s, but does not require it", (_, layer) => {
    const named = requirements(parse(image({ layers: [layer, descriptor("own", LAYER)] })));

    expect(
      named
        .filter(({ role }) => role === "layer")
        .map(({ digest, required }) => ({ digest, required })),
    ).toEqual([
      { digest: digestOf(encode("f")), required: false },
      { digest: digestOf(encode("own")), required: true },
    ]);
  });

  test("does not include the subject, which may be pushed later", () => {
    const subject = descriptor("subject", OCI_IMAGE);
    const parsed = parse(image({ subject }));

    expect(parsed.subject?.digest).toBe(digestOf(encode("subject")));
    expect(requirements(parsed).map(({ digest }) => digest)).not.toContain(
      digestOf(encode("subject")),
    );
  });

  test.each([
    [OCI_IMAGE, true],
    [OCI_INDEX, true],
    [DOCKER_IMAGE, true],
    ["application/vnd.buildkit.cacheconfig.v0", false],
    [LAYER, false],
  ])(
    "includes the entries of an index; one of %s must be a manifest: %p",
    (mediaType, manifest) => {
      const required = requirements(parse(index({ manifests: [descriptor("child", mediaType)] })));

      expect(required).toEqual([
        { digest: digestOf(encode("child")), size: 5, role: "child", manifest, required: true },
      ]);
    },
  );

  test("is nothing for an index without entries", () => {
    expect(requirements(parse(index({ manifests: [] })))).toEqual([]);
  });
});

describe("the media type", () => {
  test.each([
    [`${OCI_IMAGE}; charset=utf-8`],
    [`${OCI_IMAGE};q=1`],
    [`  ${OCI_IMAGE}  `],
    [OCI_IMAGE.toUpperCase()],
    [""],
    [null],
  ])("of the document stands with the Content-Type %p", (contentType) => {
    expect(parse(image(), contentType).mediaType).toBe(OCI_IMAGE);
  });

  test("comes from the Content-Type when the document has none", () => {
    expect(parse(without(image(), "mediaType"), DOCKER_IMAGE)).toMatchObject({
      mediaType: DOCKER_IMAGE,
      kind: "image",
    });
    expect(parse(image({ mediaType: "" }), OCI_IMAGE).mediaType).toBe(OCI_IMAGE);
  });

  test.each([
    ["another kind of document", OCI_INDEX],
    ["the same kind in the other format", DOCKER_IMAGE],
    ["no manifest at all", "text/html"],
    ["a list of types", `${OCI_IMAGE}, ${OCI_INDEX}`],
    ["64 KiB", "a".repeat(65_536)],
  ])("must not disagree with a Content-Type of %s", (_, contentType) => {
    expect(refusalOf(image(), contentType)).toContain("the Content-Type is");
  });

  test.each([
    ["nowhere", without(image(), "mediaType"), null],
    ["not a text", image({ mediaType: 5 }), OCI_IMAGE],
    ["null", image({ mediaType: null }), OCI_IMAGE],
    ["unknown", image({ mediaType: "application/json" }), null],
    ["unknown to the header", without(image(), "mediaType"), "application/json"],
    ["in capitals", image({ mediaType: OCI_IMAGE.toUpperCase() }), null],
    ["of Docker schema 1", image({ mediaType: DOCKER_SCHEMA1 }), DOCKER_SCHEMA1],
    ["a property that every object has", image({ mediaType: "constructor" }), null],
  ])("must not be %s", (_, document, contentType) => {
    expect(refusalOf(document, contentType)).toMatch(/media ?type|Content-Type/i);
  });
});

describe("what the referrers API shows", () => {
  test.each([
    ["its own type", image({ artifactType: "x/sbom" }), "x/sbom"],
    ["the type of its config when it has none", image(), CONFIG],
    ["the type of its config when its own is empty", image({ artifactType: "" }), CONFIG],
    ["its own type when it is an index", index({ artifactType: "x/sbom" }), "x/sbom"],
    ["no type when it is an index without one", index(), null],
    ["its own type when it is an artifact", artifact(), "x/sbom"],
  ])("of a manifest is %s", (_, document, expected) => {
    expect(parse(document).artifactType).toBe(expected);
  });

  test("includes the annotations, as they were pushed", () => {
    const annotations = { "org.example": "<img onerror=1>", toString: "x", constructor: "y" };

    expect(parse(image({ annotations })).annotations).toEqual(annotations);
    expect(parse(image({ annotations: null })).annotations).toBeNull();
    expect(parse(image()).annotations).toBeNull();
  });

  test("takes the annotation __proto__ as a name like any other", () => {
    const text = JSON.stringify(image({ annotations: { a: "1" } })).replace('"a"', '"__proto__"');
    const { annotations } = parseManifest(encode(text), null);

    expect(Object.entries(annotations ?? {})).toEqual([["__proto__", "1"]]);
  });

  test.each([
    ["annotations that are a list", image({ annotations: [] })],
    ["annotations that are a text", image({ annotations: "x" })],
    ["an annotation that is a number", image({ annotations: { a: 1 } })],
    ["an annotation that is null", image({ annotations: { a: null } })],
    ["a type that is a number", image({ artifactType: 1 })],
    ["a type that is null", image({ artifactType: null })],
  ])("can not be made from %s", (_, document) => {
    expect(refusalOf(document)).toMatch(/annotation|artifactType/);
  });
});

describe("whatever is pushed", () => {
  /** A valid manifest, somewhat damaged. */
  const damaged = fc
    .tuple(
      fc.constantFrom(image(), index(), artifact()),
      fc.nat(600),
      fc.nat(12),
      fc.string({
        unit: fc.constantFrom(...'{}[]",:0-ae\\', "null", '"layers":', '"digest":'),
        maxLength: 3,
      }),
    )
    .map(([document, at, removed, inserted]) => {
      const text = JSON.stringify(document);
      return encode(text.slice(0, at) + inserted + text.slice(at + removed));
    });
  const replaced = fc
    .tuple(fc.constantFrom(image(), index(), artifact()), fc.jsonValue(), fc.nat(7))
    .map(([document, value, at]) => {
      const key = Object.keys(document)[at % Object.keys(document).length] ?? "";
      return encode(JSON.stringify({ ...document, [key]: value }));
    });
  const contentType = fc.option(
    fc.constantFrom(OCI_IMAGE, OCI_INDEX, OCI_ARTIFACT, DOCKER_LIST, "x"),
  );

  test("is a manifest of a known kind with well-formed digests, or MANIFEST_INVALID, and never another failure", () => {
    fc.assert(
      fc.property(fc.oneof(damaged, replaced, fc.uint8Array()), contentType, (bytes, type) => {
        let manifest: Manifest;
        try {
          manifest = parseManifest(bytes, type);
        } catch (error) {
          expect(error).toMatchObject({ kind: "MANIFEST_INVALID" });
          return;
        }
        expect(manifest.kind).toBe(manifestKind(manifest.mediaType) ?? ("" as never));
        for (const { digest, size } of requirements(manifest)) {
          expect(parseDigest(digest)).toBe(digest);
          expect(size).toBeWithin(0, Number.MAX_SAFE_INTEGER);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

test("a list that is null is an empty one, as Go writes those", () => {
  expect(parse(image({ layers: null })).layers).toEqual([]);
});
