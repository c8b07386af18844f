import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { image, index } from "../../test/support/image.ts";
import { mediaTypes } from "../../test/support/oci.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import {
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT,
  OCI_IMAGE,
  OCI_INDEX,
} from "../oci/media-types.ts";
import { type StoredManifest, readStoredManifest } from "./stored-manifest.ts";

const A = digestOf(Buffer.from("a"));
const B = digestOf(Buffer.from("b"));
const C = digestOf(Buffer.from("c"));
const CONFIG = { mediaType: mediaTypes.config, digest: A, size: 1 };
const LAYER = { mediaType: mediaTypes.layer, digest: B, size: 2 };

interface Reading {
  readonly manifest: StoredManifest | null;
  readonly remarks: string[];
}

function reading(content: unknown, sizes: ReadonlyMap<Digest, number> = new Map()): Reading {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const remarks: string[] = [];
  const manifest = readStoredManifest(Buffer.from(text), sizes, (problem) => remarks.push(problem));
  return { manifest, remarks };
}

function references({ manifest }: Reading): string[] {
  return (manifest?.references ?? []).map(({ role, digest, size }) => `${role} ${digest} ${size}`);
}

describe("a stored manifest", () => {
  test("that could be pushed today is read as it would be then", () => {
    for (const fixture of [
      image({ layers: 2 }),
      image({ dockerSchema2: true }),
      index([image()]),
    ]) {
      const { manifest, remarks } = reading(Buffer.from(fixture.bytes).toString());
      expect(manifest?.mediaType).toBe(fixture.mediaType);
      expect(manifest?.references.map(({ digest }) => digest as string)).toEqual(
        [...fixture.blobs, ...fixture.children].map(({ descriptor }) => descriptor.digest),
      );
      expect(remarks).toEqual([]);
    }
  });

  test("that does not name its type is what it looks like", () => {
    const cases: readonly (readonly [object, string])[] = [
      [{ schemaVersion: 2, manifests: [] }, OCI_INDEX],
      [{ schemaVersion: 2, config: CONFIG, layers: [LAYER] }, OCI_IMAGE],
      [{ schemaVersion: 1, fsLayers: [{ blobSum: B }] }, DOCKER_SCHEMA1],
      [{ schemaVersion: 1, fsLayers: [{ blobSum: B }], signatures: [{}] }, DOCKER_SCHEMA1_SIGNED],
      [{ blobs: [LAYER] }, OCI_ARTIFACT],
    ];
    for (const [content, mediaType] of cases) {
      const read = reading(content);
      expect(read.manifest?.mediaType).toBe(mediaType);
      expect(read.remarks).toEqual([]);
    }
  });

  test("of Docker's first format names its layers, whose sizes are those of the stored blobs", () => {
    const content = { schemaVersion: 1, fsLayers: [{ blobSum: B }, { blobSum: C }] };
    const read = reading(content, new Map([[B, 20]]));
    expect(references(read)).toEqual([`layer ${B} 20`, `layer ${C} 0`]);
  });

  test("of an unknown type is kept as it is, with all that it seems to name, and remarked", () => {
    const content = {
      mediaType: "application/vnd.example+json",
      config: CONFIG,
      layers: [LAYER],
      manifests: [{ digest: C, size: 3 }],
      subject: { digest: A },
    };
    const read = reading(content);
    expect(read.manifest).toMatchObject({ mediaType: "application/vnd.example+json", subject: A });
    expect(references(read)).toEqual([`config ${A} 1`, `layer ${B} 2`, `child ${C} 3`]);
    expect(read.remarks).toEqual([expect.stringContaining("is not known")]);
  });

  test("that a push would refuse today still names everything, and is not remarked", () => {
    const tail = `"config":${JSON.stringify(CONFIG)},"layers":[${JSON.stringify(LAYER)}]}`;
    const refused = [
      `{"schemaVersion":2,"schemaVersion":2,"mediaType":"${OCI_IMAGE}",${tail}`,
      `{"mediaType":"${OCI_IMAGE}",${tail}`,
      `{"schemaVersion":2,"mediaType":"${OCI_IMAGE}","annotations":{"a":null,"b":"c"},${tail}`,
      `{"schemaVersion":2,"mediaType":"${OCI_IMAGE}","fsLayers":[],${tail}`,
    ];
    for (const text of refused) {
      const read = reading(text);
      expect(references(read)).toEqual([`config ${A} 1`, `layer ${B} 2`]);
      expect(read.manifest?.artifactType).toBe(mediaTypes.config);
      expect(read.remarks).toEqual([]);
    }
  });

  test("that is an image to one client and an index to another needs what either wants", () => {
    const both = {
      schemaVersion: 2,
      config: CONFIG,
      layers: [LAYER],
      manifests: [{ digest: C, size: 3 }],
    };
    expect(references(reading({ ...both, mediaType: OCI_IMAGE }))).toEqual([
      `config ${A} 1`,
      `layer ${B} 2`,
      `child ${C} 3`,
    ]);
  });

  test("with a reference that cannot be read is served, and remarked at its place", () => {
    const layers = [LAYER, { ...LAYER, digest: "md5:abc" }, "none", null];
    const read = reading({ schemaVersion: 2, mediaType: OCI_IMAGE, config: CONFIG, layers });
    expect(references(read)).toEqual([`config ${A} 1`, `layer ${B} 2`]);
    expect(read.remarks).toHaveLength(3);
    expect(read.remarks[0]).toContain('"layers[1]"');
  });

  test("needs a foreign layer only where somebody has pushed it", () => {
    const foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for (const schemaVersion of [2, 3]) {
      const layers = [{ ...LAYER, mediaType: foreign, urls: ["https://example.com/layer"] }];
      const content = { schemaVersion, mediaType: OCI_IMAGE, config: CONFIG, layers };
      expect(references(reading(content))).toEqual([`config ${A} 1`]);
      expect(references(reading(content, new Map([[B, 2]])))).toEqual([
        `config ${A} 1`,
        `layer ${B} 2`,
      ]);
    }
  });

  test("whose type could not stand in a header is what it looks like instead", () => {
    const content = { schemaVersion: 2, config: CONFIG, layers: [LAYER] };
    for (const mediaType of ["text/html\r\nSet-Cookie: a=b", "no type", "", 5, "a/b; c=d"]) {
      expect(reading({ ...content, mediaType }).manifest?.mediaType).toBe(OCI_IMAGE);
    }
  });

  test("that is none is not served, and remarked", () => {
    for (const text of ["", "{", "[]", "null", '"text"', "{}", '{"layers":[]}', "\0\0\0"]) {
      const { manifest, remarks } = reading(text);
      expect(manifest).toBeNull();
      expect(remarks).toHaveLength(1);
    }
  });

  test("of any content is never an error, and what it names has a size", () => {
    const keys = ["mediaType", "config", "layers", "manifests", "fsLayers", "blobs", "digest"];
    const values = fc.constantFrom<unknown>(A, LAYER, [LAYER], [null], OCI_IMAGE, 3, null, {
      a: [],
    });
    const content = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(fc.constantFrom(...keys), values).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(content, (text) => {
        for (const { size } of reading(text).manifest?.references ?? []) {
          expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
