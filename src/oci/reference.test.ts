import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Digest, parseDigest } from "./digest.ts";
import { type ErrorKind } from "./error-table.ts";
import { RegistryError } from "./errors.ts";
import { isDigestReference, isTag, parseReference, parseTag, referrersTag } from "./reference.ts";

const LETTERS = "abzABZ019_";

const tag = fc
  .tuple(
    fc.constantFrom(...LETTERS),
    fc.string({ unit: fc.constantFrom(...LETTERS, ".", "-"), maxLength: 127 }),
  )
  .map(([first, rest]) => first + rest);

const digest = fc
  .string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 128, maxLength: 128 })
  .chain((hex) => fc.constantFrom(`sha256:${hex.slice(64)}`, `sha512:${hex}`))
  .map(parseDigest);

const edited = fc
  .tuple(
    tag,
    fc.nat(130),
    fc.nat(2),
    fc.string({ unit: fc.constantFrom(..."./:_-aA0%\\ \0\n<é"), maxLength: 3 }),
  )
  .map(([text, at, removed, inserted]) => text.slice(0, at) + inserted + text.slice(at + removed));

/** The grammar of tags once more, letter by letter. */
function isTagByHand(text: string): boolean {
  const letters = [...text];
  const first = letters[0] ?? "";
  return (
    text.length <= 128 &&
    first !== "" &&
    !".-".includes(first) &&
    letters.every(
      (c) =>
        (c >= "a" && c <= "z") ||
        (c >= "A" && c <= "Z") ||
        (c >= "0" && c <= "9") ||
        "_.-".includes(c),
    )
  );
}

function kindOfRefusal(attempt: () => unknown): ErrorKind | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof RegistryError) return error.kind;
    throw error;
  }
}

describe("tags", () => {
  test("every tag that the grammar builds is accepted as it is", () => {
    fc.assert(
      fc.property(tag, (text) => {
        expect(parseTag(text) as string).toBe(text);
        expect(parseReference(text) as string).toBe(text);
        expect(isDigestReference(parseReference(text))).toBe(false);
      }),
    );
  });

  test("a tag with an edit is accepted exactly when the grammar still allows it, and is TAG_INVALID otherwise", () => {
    fc.assert(
      fc.property(edited, (text) => {
        expect(isTag(text)).toBe(isTagByHand(text));
        expect(kindOfRefusal(() => parseTag(text))).toBe(isTagByHand(text) ? null : "TAG_INVALID");
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    "a",
    "_",
    "latest",
    "v1.0.0-rc.1",
    "1",
    "A_b",
    "a..b",
    "a".repeat(128),
    "con",
    "__proto__",
  ])("%p is a tag", (text) => {
    expect(parseTag(text) as string).toBe(text);
  });

  test.each([
    "",
    ".",
    "..",
    ".a",
    "-a",
    "a/b",
    "a\\b",
    "a b",
    "a+b",
    "a:b",
    "<script>",
    "latest\r\nX: 1",
    "a%0d%0aX:1",
    "a\n",
    "\na",
    "a\0",
    "\u00e9",
    "\uff41",
    "a".repeat(129),
    `sha256:${"a".repeat(64)}`,
  ])("%p is not a tag", (text) => {
    expect(isTag(text)).toBe(false);
    expect(kindOfRefusal(() => parseTag(text))).toBe("TAG_INVALID");
  });

  test("no tag is a way out of a folder", () => {
    fc.assert(
      fc.property(fc.oneof(tag, edited).filter(isTag), (text) => {
        expect(text).not.toMatch(/^\.|[/\\\0]/);
      }),
    );
  });

  test("64 KiB are refused at once, and not repeated", () => {
    const began = performance.now();

    expect(() => parseTag("a".repeat(65_536))).toThrow(/^.{1,300}$/);
    expect(performance.now() - began).toBeLessThan(100);
  });
});

describe("references", () => {
  test("every digest is a reference, and is known as a digest", () => {
    fc.assert(
      fc.property(digest, (one) => {
        expect(parseReference(one)).toBe(one);
        expect(isDigestReference(parseReference(one))).toBe(true);
      }),
    );
  });

  test("no text is both a tag and a digest", () => {
    fc.assert(
      fc.property(digest, (one) => {
        expect(isTag(one)).toBe(false);
      }),
    );
  });

  test.each([
    ["sha256:abc", "DIGEST_INVALID"],
    [":", "DIGEST_INVALID"],
    ["latest:1", "DIGEST_INVALID"],
    ["../../x:1", "DIGEST_INVALID"],
    ["", "TAG_INVALID"],
    ["..", "TAG_INVALID"],
    ["sha256-abc/", "TAG_INVALID"],
  ] as const)("%p is refused as what it was meant to be: %s", (text, kind) => {
    expect(kindOfRefusal(() => parseReference(text))).toBe(kind);
  });
});

describe("the tag of a list of referrers", () => {
  const a = (count: number): string => "a".repeat(count);

  test.each([
    [`sha256:${a(64)}`, `sha256-${a(64)}`],
    [`sha512:${a(128)}`, `sha512-${a(64)}`],
    [
      "test+algorithm+using+algorithm+separators+and+lots+of+characters+to+excercise+overall+truncation:" +
        "alsoSome=InTheEncodedSectionToShowHyphenReplacementAndLotsAndLotsOfCharactersToExcerciseEncodedTruncation",
      "test-algorithm-using-algorithm-s-alsoSome-InTheEncodedSectionToShowHyphenReplacementAndLotsAndLot",
    ],
  ])("%p has the tag that the distribution spec gives it", (subject, expected) => {
    expect(referrersTag(subject as Digest) as string).toBe(expected);
  });

  test("it is a tag, whatever the digest", () => {
    fc.assert(
      fc.property(digest, (subject) => {
        expect(isTag(referrersTag(subject))).toBe(true);
      }),
    );
  });
});
