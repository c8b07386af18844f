import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { JsonError, MAX_DEPTH, parseStrictJson } from "./strict-json.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string): unknown => parseStrictJson(encode(text));

/** What `JSON.parse` makes of a text; undefined, which no JSON is, when it refuses. */
function lenient(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

interface Key {
  readonly text: string;
  /** Write it with an escape for each letter. */
  readonly escaped: boolean;
}

/** JSON as it is written: an object may have the same key more than once. */
type Written =
  | { readonly scalar: unknown }
  | { readonly items: readonly Written[] }
  | { readonly members: readonly (readonly [Key, Written])[] };

const written = fc.letrec<{ node: Written; scalar: Written; list: Written; object: Written }>(
  (tie) => ({
    node: fc.oneof({ maxDepth: 6 }, tie("scalar"), tie("list"), tie("object")),
    scalar: fc.record({
      scalar: fc.oneof(
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constant('{"a":1,"a":2}'),
      ),
    }),
    list: fc.record({ items: fc.array(tie("node"), { maxLength: 4 }) }),
    object: fc.record({
      members: fc.array(
        fc.tuple(
          fc.record({
            text: fc.constantFrom("a", "b", "", "__proto__", '"', "\\", "é", '":'),
            escaped: fc.boolean(),
          }),
          tie("node"),
        ),
        { maxLength: 3 },
      ),
    }),
  }),
).node;

function write(node: Written, space: string): string {
  if ("scalar" in node) return JSON.stringify(node.scalar);
  if ("items" in node) {
    return `[${space}${node.items.map((item) => write(item, space)).join(`${space},${space}`)}${space}]`;
  }
  const members = node.members.map(
    ([key, value]) => `${writeKey(key)}${space}:${space}${write(value, space)}`,
  );
  return `{${space}${members.join(`${space},${space}`)}${space}}`;
}

function writeKey({ text, escaped }: Key): string {
  if (!escaped) return JSON.stringify(text);
  const letters = text.split("").map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${letters.join("")}"`;
}

function hasDuplicate(node: Written): boolean {
  if ("scalar" in node) return false;
  if ("items" in node) return node.items.some(hasDuplicate);
  const keys = node.members.map(([{ text }]) => text);
  return new Set(keys).size < keys.length || node.members.some(([, value]) => hasDuplicate(value));
}

describe("JSON that is unambiguous", () => {
  test("every document without duplicate keys means what JSON.parse says", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", " ", "\t", "\n  "), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(parse(text)).toEqual(JSON.parse(text));
        expect(parse(spaced)).toEqual(JSON.parse(spaced));
      }),
    );
  });

  test("a document is refused exactly when a key stands twice in one object, however deep and however spelled", () => {
    fc.assert(
      fc.property(written, fc.constantFrom("", " ", "\r\n\t "), (node, space) => {
        const text = write(node, space);
        if (hasDuplicate(node)) expect(() => parse(text)).toThrow(/stands twice/);
        else expect(parse(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("no text is accepted that JSON.parse refuses, and none is refused otherwise than by a JsonError", () => {
    const jsonLike = fc.string({
      unit: fc.constantFrom(...'{}[]:,"\\ \n01-.eEtrufalsn', '"a"', "\\u0061"),
      maxLength: 30,
    });
    fc.assert(
      fc.property(fc.oneof(jsonLike, fc.string({ unit: "binary" })), (text) => {
        try {
          expect(parse(text)).toEqual(lenient(text));
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["in the document", '{"a":1,"a":1}'],
    ["with other keys between", '{"a":1,"b":2,"a":3}'],
    ["after a value that is an object", '{"a":{"b":1},"a":2}'],
    ["after a value that is a list", '{"a":[{}],"a":2}'],
    ["with the second one escaped", '{"a":1,"\\u0061":2}'],
    ["with different escapes", '{"/":1,"\\/":2}'],
    ["with spaces before the colon", '{"a" :1,"a"\n\t\r :2}'],
    ["of no letters", '{"":1,"":2}'],
    ["inside a list", '[[{"a":1,"a":2}]]'],
    ["that every object inherits", '{"__proto__":1,"__proto__":2}'],
    ["that is half of a letter", '{"\\ud800":1,"\\ud800":2}'],
  ])("a key twice is refused %s", (_, text) => {
    expect(() => parse(text)).toThrow(/stands twice/);
  });

  test.each([
    ["in different objects of a list", '[{"a":1},{"a":2}]'],
    ["inside one another", '{"a":{"a":{"a":1}}}'],
    ["once as a key and once as a value", '{"a":"a","b":"a"}'],
    ["in capitals", '{"a":1,"A":2}'],
    ["composed and decomposed", '{"\u00e9":1,"e\u0301":2}'],
    ["in a text that looks like JSON", '{"x":"{\\"a\\":1,\\"a\\":2}"}'],
  ])("the same word may stand twice %s", (_, text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test("a key that every object inherits is data, and changes no prototype", () => {
    const value = parse('{"__proto__":{"polluted":true},"constructor":1}') as Record<
      string,
      unknown
    >;

    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("depth", () => {
  const nested = (depth: number, open: string, close: string): string =>
    open.repeat(depth) + "1" + close.repeat(depth);

  test.each([
    ["lists", "[", "]"],
    ["objects", '{"a":', "}"],
  ])(`${MAX_DEPTH} levels of %s are accepted and one more is not`, (_, open, close) => {
    expect(parse(nested(MAX_DEPTH, open, close))).toBeDefined();
    expect(() => parse(nested(MAX_DEPTH + 1, open, close))).toThrow(/deeper/);
  });

  test("levels beside each other do not count together", () => {
    expect(
      parse(`[${Array.from({ length: 500 }, () => nested(MAX_DEPTH - 1, "[", "]")).join()}]`),
    ).toBeArrayOfSize(500);
  });

  test("brackets in a text are no levels", () => {
    expect(parse(JSON.stringify("[{".repeat(1000)))).toBe("[{".repeat(1000));
  });
});

describe("bytes", () => {
  test.each([
    ["a byte that no letter begins with", [0xff]],
    ["a letter that breaks off", [0x22, 0xe2, 0x82, 0x22]],
    ["a letter written longer than needed", [0x22, 0xc0, 0xaf, 0x22]],
    ["half of a surrogate pair", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a number beyond Unicode", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ["UTF-16", [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])("%s is not UTF-8", (_, bytes) => {
    expect(() => parseStrictJson(new Uint8Array(bytes))).toThrow("it is not UTF-8");
  });

  test("a byte order mark is refused by name", () => {
    expect(() => parseStrictJson(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))).toThrow(
      /byte order mark/,
    );
  });

  test.each([
    ["nothing", ""],
    ["only spaces", " \n"],
    ["bytes after the end", "{} {}"],
    ["a NUL after the end", "{}\0"],
    ["UTF-16 without a mark", "{\0}\0"],
    ["a comma too many", '{"a":1,}'],
    ["no quotes", "{a:1}"],
    ["single quotes", "{'a':1}"],
    ["a comment", "{} // that's it"],
    ["NaN", '{"a":NaN}'],
    ["Infinity", '{"a":Infinity}'],
    ["a hexadecimal number", '{"a":0x1}'],
    ["a leading zero", '{"a":01}'],
    ["a text that does not end", '{"a":"b'],
    ["a text that ends in an escape", '{"a":"b\\'],
    ["a key that is no text", '{"\\x":1}'],
    ["a line break in a text", '{"a":"\n"}'],
    ["closing brackets only", "]]]}}}"],
    ["brackets that do not match", '{"a":[}]'],
  ])("%s is not JSON", (_, text) => {
    expect(() => parse(text)).toThrow(JsonError);
  });
});

describe("effort", () => {
  const SIZE = 65_536;
  const fill = (part: string): string => part.repeat(Math.ceil(SIZE / part.length));

  test.each([
    ["opening lists", fill("[")],
    ["opening objects", fill('{"a":')],
    ["closing brackets", fill("]")],
    ["empty lists side by side", `[${fill("[],")}[]]`],
    ["quotes", fill('"')],
    ["backslashes in a text that does not end", `"${fill("\\\\")}`],
    ["escaped quotes", `"${fill('\\"')}"`],
    ["texts with much space after them", `[${fill(`"a"${" ".repeat(1000)},`)}1]`],
    ["space after a key", `{"a"${fill(" ")}:1}`],
    ["space after a text in an object", `{"a":"b"${fill(" ")}}`],
    ["different keys", `{${Array.from({ length: SIZE / 8 }, (_, at) => `"${at}":1`).join()}}`],
    ["one long key after another", `{${[1, 2, 3, 4].map((n) => `"${fill("a")}${n}":1`).join()}}`],
    ["a key that is all escapes", `{"${fill("\\u0061")}":1}`],
    ["digits", `[${fill("1")}]`],
    ["minus signs", fill("-")],
  ])("64 KiB of %s take no time", (_, text) => {
    const began = performance.now();
    try {
      parse(text);
    } catch (error) {
      expect(error).toBeInstanceOf(JsonError);
    }
    expect(performance.now() - began).toBeLessThan(200);
  });

  test("a refusal repeats only the beginning of a long key", () => {
    const key = JSON.stringify("k".repeat(100_000));

    expect(() => parse(`{${key}:1,${key}:2}`)).toThrow(/^.{1,150}$/);
  });
});
