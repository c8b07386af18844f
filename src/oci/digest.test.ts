import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  type DigestAlgorithm,
  Hasher,
  algorithmOf,
  digestOf,
  hexOf,
  isAlgorithm,
  isDigest,
  parseDigest,
} from "./digest.ts";
import { RegistryError } from "./errors.ts";

const LENGTHS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

const algorithm = fc.constantFrom<DigestAlgorithm>("sha256", "sha512");

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });

/** The text of a digest, made without the code under test. */
const digestText = algorithm.chain((name) =>
  hex(LENGTHS[name]).map((digits) => `${name}:${digits}`),
);

/** The grammar once more, letter by letter. */
function isDigestByHand(text: string): boolean {
  const [name = "", digits = "", ...more] = text.split(":");
  if (more.length > 0 || !Object.hasOwn(LENGTHS, name)) return false;
  return (
    digits.length === LENGTHS[name as DigestAlgorithm] &&
    [...digits].every((c) => "0123456789abcdef".includes(c))
  );
}

/** A valid text with one edit somewhere: mostly wrong, now and then right again. */
const edited = fc
  .tuple(digestText, fc.nat(140), fc.nat(2), fc.string({ unit: "binary", maxLength: 2 }))
  .map(([text, at, removed, inserted]) => text.slice(0, at) + inserted + text.slice(at + removed));

function refusalOf(text: string): RegistryError {
  try {
    parseDigest(text);
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text.slice(0, 150))} was accepted`);
}

const SHA256 = `sha256:${"a".repeat(64)}`;

describe("digests", () => {
  test("every well-formed digest is accepted, and is the same text afterwards", () => {
    fc.assert(
      fc.property(digestText, (text) => {
        const digest = parseDigest(text);
        expect(digest as string).toBe(text);
        expect(`${algorithmOf(digest)}:${hexOf(digest)}`).toBe(text);
      }),
    );
  });

  test("a digest with an edit is accepted exactly when the grammar still allows it, and is DIGEST_INVALID otherwise", () => {
    fc.assert(
      fc.property(edited, (text) => {
        expect(isDigest(text)).toBe(isDigestByHand(text));
        if (!isDigestByHand(text)) expect(refusalOf(text).kind).toBe("DIGEST_INVALID");
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["an empty text", ""],
    ["no algorithm", `:${"a".repeat(64)}`],
    ["no digits", "sha256:"],
    ["no colon", "a".repeat(64)],
    ["an unknown algorithm", `md5:${"a".repeat(32)}`],
    ["an algorithm in capitals", `SHA256:${"a".repeat(64)}`],
    ["the name of an object's property as algorithm", `__proto__:${"a".repeat(64)}`],
    ["an algorithm with a separator", `sha256+b64:${"a".repeat(64)}`],
    ["a digit too few", `sha256:${"a".repeat(63)}`],
    ["a digit too many", `sha256:${"a".repeat(65)}`],
    ["the digits of the other algorithm", `sha256:${"a".repeat(128)}`],
    ["too few digits for sha512", `sha512:${"a".repeat(64)}`],
    ["digits in capitals", `sha256:${"A".repeat(64)}`],
    ["a letter that only looks like a digit", `sha256:${"a".repeat(63)}\u0430`],
    ["a full-width digit", `sha256:${"a".repeat(63)}\uff11`],
    ["a way out of the folder", "sha256:../../x"],
    ["a way out of the folder, of the right length", `sha256:${"../".repeat(21)}a`],
    ["two colons", `sha256:${"a".repeat(64)}:`],
    ["a space before", ` ${SHA256}`],
    ["a newline after", `${SHA256}\n`],
    ["a header after", `${SHA256}\r\nX: 1`],
    ["a NUL after", `${SHA256}\0`],
    ["an escaped colon", SHA256.replace(":", "%3A")],
  ])("%s is no digest", (_, text) => {
    expect(isDigest(text)).toBe(false);
    expect(refusalOf(text).kind).toBe("DIGEST_INVALID");
  });

  test("a refusal repeats only the beginning of a hostile text", () => {
    const refusal = refusalOf(`sha256:${"a".repeat(1_000_000)}`);

    expect(refusal.message.length).toBeLessThan(300);
  });

  test("only sha256 and sha512 are algorithms", () => {
    const asked = ["sha256", "sha512", "sha1", "md5", "SHA256", "", "constructor", "sha256 "];

    expect(asked.filter(isAlgorithm)).toEqual(["sha256", "sha512"]);
  });
});

describe("hashing", () => {
  /** Cuts that lie anywhere, also twice in one place. */
  const cut = fc
    .tuple(fc.uint8Array({ maxLength: 3000 }), fc.array(fc.nat(3000), { maxLength: 12 }))
    .map(([bytes, places]) => {
      const ends = [...places.map((at) => Math.min(at, bytes.length)), bytes.length].toSorted(
        (a, b) => a - b,
      );
      return { bytes, chunks: ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)) };
    });

  test("bytes have the digest that another implementation computes", () => {
    fc.assert(
      fc.property(algorithm, fc.uint8Array({ maxLength: 3000 }), (name, bytes) => {
        expect(digestOf(bytes, name) as string).toBe(
          `${name}:${createHash(name).update(bytes).digest("hex")}`,
        );
      }),
    );
  });

  test("nothing has the well-known digest of nothing", () => {
    expect(digestOf(new Uint8Array()) as string).toBe(
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    expect(new Hasher("sha256").digest()).toBe(digestOf(new Uint8Array()));
  });

  test("the digest of the whole does not depend on how it was cut into chunks", () => {
    fc.assert(
      fc.property(algorithm, cut, (name, { bytes, chunks }) => {
        const hasher = new Hasher(name);
        for (const chunk of chunks) hasher.update(chunk);
        expect(hasher.digest()).toBe(digestOf(bytes, name));
        expect(isDigest(hasher.digest())).toBe(true);
      }),
    );
  });

  test("asking for the digest on the way changes nothing", () => {
    fc.assert(
      fc.property(algorithm, cut, (name, { bytes, chunks }) => {
        const hasher = new Hasher(name);
        let length = 0;
        for (const chunk of chunks) {
          hasher.update(chunk);
          length += chunk.length;
          expect(hasher.digest()).toBe(digestOf(bytes.subarray(0, length), name));
        }
      }),
    );
  });

  test("a copy is not touched by what the original is fed later, nor the other way round", () => {
    fc.assert(
      fc.property(
        algorithm,
        fc.uint8Array(),
        fc.uint8Array(),
        fc.uint8Array(),
        (name, common, one, other) => {
          const hasher = new Hasher(name);
          hasher.update(common);
          const copy = hasher.copy();

          hasher.update(one);
          copy.update(other);

          expect(hasher.digest()).toBe(digestOf(Buffer.concat([common, one]), name));
          expect(copy.digest()).toBe(digestOf(Buffer.concat([common, other]), name));
        },
      ),
    );
  });
});
