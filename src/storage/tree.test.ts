import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import {
  BLOBS,
  REPOSITORIES,
  TREE,
  blobPath,
  layerLink,
  layerPath,
  linkBytes,
  readLink,
  repositoryPath,
  revisionLink,
  revisionPath,
  tagCurrentLink,
  tagIndexLink,
  tagPath,
  uploadPath,
} from "./tree.ts";

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });

const digest = fc
  .oneof(
    hex(64).map((digits) => `sha256:${digits}`),
    hex(128).map((digits) => `sha512:${digits}`),
  )
  .map(parseDigest);

const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
const name = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parseName(parts.join("/")));

const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/).map(parseTag);

describe("paths of the tree", () => {
  const app = parseName("team/app");
  const v1 = parseTag("v1.0");
  const ab = parseDigest(`sha256:${"ab".repeat(32)}`);
  const long = parseDigest(`sha512:${"cd".repeat(64)}`);
  const at = "docker/registry/v2/repositories/team/app";

  test("are those of the distribution registry", () => {
    const paths = {
      [blobPath(ab)]: `docker/registry/v2/blobs/sha256/ab/${"ab".repeat(32)}/data`,
      [repositoryPath(app)]: at,
      [layerLink(app, ab)]: `${at}/_layers/sha256/${"ab".repeat(32)}/link`,
      [revisionLink(app, ab)]: `${at}/_manifests/revisions/sha256/${"ab".repeat(32)}/link`,
      [tagCurrentLink(app, v1)]: `${at}/_manifests/tags/v1.0/current/link`,
      [tagIndexLink(app, v1, ab)]:
        `${at}/_manifests/tags/v1.0/index/sha256/${"ab".repeat(32)}/link`,
    };
    for (const [path, expected] of Object.entries(paths)) expect(path).toBe(expected);
  });

  test("have a folder of its own for sha512", () => {
    expect(blobPath(long)).toBe(`docker/registry/v2/blobs/sha512/cd/${"cd".repeat(64)}/data`);
    expect(layerLink(app, long)).toBe(`${at}/_layers/sha512/${"cd".repeat(64)}/link`);
  });

  test("of uploads lie outside of the tree that other registries read", () => {
    expect(uploadPath("0193").startsWith(TREE)).toBe(false);
  });

  test("stay inside of the tree, whatever name, tag and digest", () => {
    fc.assert(
      fc.property(name, tag, digest, (one, two, three) => {
        for (const path of allPaths(one, two, three)) {
          expect(path.startsWith(`${TREE}/`)).toBe(true);
          expect(path.split("/").filter((piece) => /^\.*$/.test(piece))).toEqual([]);
        }
      }),
    );
  });

  test("of different content are different, and none leads through another's link", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, tag, digest), {
          minLength: 2,
          maxLength: 4,
          selector: ([one, two, three]) => `${one} ${two} ${three}`,
        }),
        (contents) => {
          const links = [...new Set(contents.flatMap((content) => allLinks(...content)))];
          for (const link of links) {
            expect(links.filter((other) => other.startsWith(`${link}/`))).toEqual([]);
          }
          const tagged = contents.map(([one, two, three]) => tagIndexLink(one, two, three));
          expect(new Set(tagged).size).toBe(contents.length);
        },
      ),
    );
  });

  test("of a link lie in the folder that goes with it", () => {
    fc.assert(
      fc.property(name, tag, digest, (one, two, three) => {
        expect(layerLink(one, three)).toBe(`${layerPath(one, three)}/link`);
        expect(revisionLink(one, three)).toBe(`${revisionPath(one, three)}/link`);
        expect(tagCurrentLink(one, two).startsWith(`${tagPath(one, two)}/`)).toBe(true);
        expect(tagIndexLink(one, two, three).startsWith(`${tagPath(one, two)}/`)).toBe(true);
        expect(layerPath(one, three).startsWith(`${REPOSITORIES}/${one}/_`)).toBe(true);
        expect(blobPath(three).startsWith(`${BLOBS}/`)).toBe(true);
      }),
    );
  });
});

describe("link files", () => {
  test("hold the digest and nothing else, and are read back", () => {
    fc.assert(
      fc.property(digest, (one) => {
        expect(Buffer.from(linkBytes(one)).toString()).toBe(one);
        expect(readLink(linkBytes(one))).toBe(one);
      }),
    );
  });

  test("may end in a newline, as those written by hand do", () => {
    fc.assert(
      fc.property(digest, fc.constantFrom("\n", "\r\n", " "), (one, end) => {
        expect(readLink(Buffer.from(one + end))).toBe(one);
      }),
    );
  });

  test("name nothing when they are torn, anywhere", () => {
    fc.assert(
      fc.property(digest, fc.nat(), (one, cut) => {
        const torn = linkBytes(one).slice(0, cut % one.length);
        expect(readLink(torn)).toBeNull();
      }),
    );
  });

  test("name nothing when a power cut has left zeros", () => {
    fc.assert(
      fc.property(digest, fc.nat(), (one, from) => {
        const bytes = linkBytes(one).slice();
        bytes.fill(0, from % one.length);
        expect(readLink(bytes)).toBeNull();
      }),
    );
  });

  test("with any other content name nothing, and are no error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(readLink(bytes)).toBeNull();
      }),
    );
    for (const text of ["latest", "md5:abcd", `sha256:${"AB".repeat(32)}`, "x".repeat(1000)]) {
      expect(readLink(Buffer.from(text))).toBeNull();
    }
  });
});

type Content = [ReturnType<typeof parseName>, ReturnType<typeof parseTag>, Digest];

function allLinks(...[one, two, three]: Content): string[] {
  return [
    blobPath(three),
    layerLink(one, three),
    revisionLink(one, three),
    tagCurrentLink(one, two),
    tagIndexLink(one, two, three),
  ];
}

function allPaths(...[one, two, three]: Content): string[] {
  return [repositoryPath(one), tagPath(one, two), ...allLinks(one, two, three)];
}
