import { describe, expect, test } from "bun:test";
import { posix } from "node:path";
import fc from "fast-check";
import { RegistryError } from "./errors.ts";
import { isRepositoryName, parseName } from "./name.ts";

const LONGEST = 255;

const word = fc.string({ unit: fc.constantFrom(..."abcxyz0189"), minLength: 1, maxLength: 8 });
const separator = fc.constantFrom(".", "_", "__", "-", "--", "-----");

/** Built along the grammar of the distribution spec. */
const component = fc
  .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 3 }))
  .map(([first, rest]) => first + rest.flat().join(""));
const name = fc
  .array(component, { minLength: 1, maxLength: 5 })
  .map((components) => components.join("/"))
  .filter((text) => text.length <= LONGEST);

/** The grammar once more, without a regular expression for the whole. */
function isNameByHand(text: string): boolean {
  return text.length <= LONGEST && text.split("/").every(isComponentByHand);
}

function isComponentByHand(text: string): boolean {
  const separators = text.split(/[a-z0-9]+/);
  if (separators.length < 2 || separators.shift() !== "" || separators.pop() !== "") return false;
  return separators.every((one) => [".", "_", "__"].includes(one) || /^-+$/.test(one));
}

const edited = fc
  .tuple(
    name,
    fc.nat(60),
    fc.nat(2),
    fc.string({ unit: fc.constantFrom(..."./_-aA0%\\ \0\n~é"), maxLength: 3 }),
  )
  .map(([text, at, removed, inserted]) => text.slice(0, at) + inserted + text.slice(at + removed));

function refusalOf(text: string): RegistryError {
  try {
    parseName(text);
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text.slice(0, 150))} was accepted`);
}

describe("repository names", () => {
  test("every name that the grammar builds is accepted as it is", () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(parseName(text) as string).toBe(text);
      }),
    );
  });

  test("a name with an edit is accepted exactly when the grammar still allows it, and is NAME_INVALID otherwise", () => {
    fc.assert(
      fc.property(edited, (text) => {
        expect(isRepositoryName(text)).toBe(isNameByHand(text));
        if (!isNameByHand(text)) expect(refusalOf(text).kind).toBe("NAME_INVALID");
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    "a",
    "0",
    "a/b",
    "a-b",
    "a--b",
    "a.b",
    "a_b",
    "a__b",
    "library/ubuntu",
    "a/b/c/d/e/f/g",
    // Words of the API and of the layout are ordinary components.
    "blobs/uploads",
    "manifests",
    "tags/list",
    "con",
    "v2",
    "referrers",
    "a".repeat(255),
    Array.from({ length: 128 }, () => "a").join("/"),
  ])("%p is a name", (text) => {
    expect(parseName(text) as string).toBe(text);
  });

  test.each([
    "",
    ".",
    "..",
    "/",
    "../x",
    "a/../b",
    "a/./b",
    "a//b",
    "/a",
    "a/",
    "a.",
    ".a",
    "a..b",
    "a/.b",
    "a./b",
    "-a",
    "a-",
    "_a",
    "a_",
    "a___b",
    "a._b",
    "a-_b",
    "a.-b",
    "A",
    "Team/app",
    "a:b",
    "a@b",
    "a b",
    "a\\b",
    "a+b",
    "a~b",
    "%2e%2e/x",
    "a%2fb",
    "a%252fb",
    "a%00b",
    "a%5cb",
    "%c0%ae",
    "%u002e",
    "a\0b",
    "a\n",
    "a\r\nX: 1",
    "\u0430",
    "\u0131",
    "\u212a",
    "e\u0301",
    "\uff0e\uff0e",
    "_catalog",
    "_layers",
    "a/_manifests/b",
    "a/_uploads",
    "a".repeat(256),
    `${"a/".repeat(128)}a`,
  ])("%p is not a name", (text) => {
    expect(isRepositoryName(text)).toBe(false);
    expect(refusalOf(text).kind).toBe("NAME_INVALID");
  });

  test("no name leads out of the folder it is put into, nor into one that the layout keeps for itself", () => {
    const hostile = fc.string({
      unit: fc.constantFrom("a", ".", "/", "_", "-", "\\", "0", ".."),
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.oneof(name, hostile).filter(isRepositoryName), (text) => {
        expect(posix.join("/tree", text, "_layers")).toBe(`/tree/${text}/_layers`);
        expect(
          text.split("/").filter((part) => part.startsWith("_") || part.startsWith(".")),
        ).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test("a name that is too long is refused for its length", () => {
    expect(refusalOf("a".repeat(300)).message).toContain("300 characters");
  });

  test.each([
    ["letters", "a".repeat(65_536)],
    ["separators", "-".repeat(65_536)],
    ["letters and separators that end wrongly", "a-".repeat(32_768)],
    ["short components", "a/".repeat(32_768)],
    ["underscores between letters", `a${"_".repeat(65_535)}`],
  ])("64 KiB of %s are refused at once", (_, text) => {
    const began = performance.now();
    const refusal = refusalOf(text);

    expect(performance.now() - began).toBeLessThan(100);
    expect(refusal.message.length).toBeLessThan(300);
  });

  test("the longest names that nearly match are judged at once", () => {
    const began = performance.now();
    const judged = ["a-", "a_", "a.", "a/", "a__"]
      .map((part) => part.repeat(255).slice(0, 254))
      .map(isRepositoryName);

    expect(performance.now() - began).toBeLessThan(100);
    expect(judged).toContain(false);
  });
});
