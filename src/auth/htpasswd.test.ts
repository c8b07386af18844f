import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseHtpasswd } from "./htpasswd.ts";

const HASH = "$2y$05$abcdefghijklmnopqrstuuWHxnxkyNt6AHCwFMQaY6auyqJA8E98a";
const OTHER = HASH.replace("$2y$", "$2b$");

const users = (text: string): Record<string, string> =>
  Object.fromEntries(parseHtpasswd(text).hashes);
const problems = (text: string): string[] =>
  parseHtpasswd(text).problems.map(({ line, problem }) => `${line}: ${problem}`);

test("a line is a user and a bcrypt hash, in any of its three spellings", () => {
  const text = ["$2a$", "$2b$", "$2y$"].map((kind, at) => `u${at}:${HASH.replace("$2y$", kind)}`);
  expect(Object.keys(users(`${text.join("\n")}\n`))).toEqual(["u0", "u1", "u2"]);
});

test("line ends of Windows, empty lines, comments, a mark of UTF-8 and no last line end are nothing", () => {
  expect(users(`\uFEFFann:${HASH}\r\n\r\n# ann:x\r\n  \r\nbob:${OTHER}`)).toEqual({
    ann: HASH,
    bob: OTHER,
  });
});

test("further fields behind the hash are not looked at", () => {
  expect(users(`ann:${HASH}:Ann:ann@example.com\n`)).toEqual({ ann: HASH });
});

test("of two lines for one user the last counts, and it is said", () => {
  expect(users(`ann:${HASH}\nann:${OTHER}\n`)).toEqual({ ann: OTHER });
  expect(problems(`ann:${HASH}\nann:${OTHER}\n`)).toEqual([
    "2: the user stands twice; this line counts",
  ]);
});

test("a name may have any letters", () => {
  const { hashes } = parseHtpasswd(`jürgen@example.com:${HASH}\n__proto__:${HASH}\n`);
  expect([...hashes.keys()]).toEqual(["jürgen@example.com", "__proto__"]);
});

describe("a line that is none is reported, and costs the others nothing:", () => {
  test.each([
    ["MD5", "eve:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "an MD5 hash; only bcrypt"],
    ["SHA-1", "eve:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "a SHA-1 hash; only bcrypt"],
    ["SHA-512", "eve:$6$salt$abc", "a SHA-2 hash of crypt; only bcrypt"],
    ["plain text", "eve:secret", "no bcrypt hash"],
    ["no hash", "eve:", "no bcrypt hash"],
    ["no colon", "eve", "no colon"],
    ["no name", `:${HASH}`, "empty"],
    ["a cut hash", `eve:${HASH.slice(0, 40)}`, "a damaged bcrypt hash"],
    ["a hash that goes on", `eve:${HASH}x`, "a damaged bcrypt hash"],
    ["a cost of 31", `eve:${HASH.replace("$05$", "$31$")}`, "cost 31: at most 17"],
    ["a cost of 3", `eve:${HASH.replace("$05$", "$03$")}`, "cost 3 is no such hash"],
    ["a NUL", `e\0ve:${HASH}`, "control character"],
    ["bytes that are not UTF-8", `e\uFFFDe:${HASH}`, "not UTF-8"],
    ["everybody", `*:${HASH}`, "is *"],
  ])("%s", (_, line, problem) => {
    const read = parseHtpasswd(`ann:${HASH}\n${line}\nbob:${HASH}\n`);
    expect([...read.hashes.keys()]).toEqual(["ann", "bob"]);
    expect(read.problems).toEqual([
      { line: 2, problem: expect.stringContaining(problem) as string },
    ]);
    expect(read.problems[0]?.problem).not.toContain("secret");
    expect(read.torn).toBe(false);
  });
});

test("a file that ends anywhere in its last line is torn, and at a line's end it is not", () => {
  const text = `ann:${HASH}\nbob:${OTHER}\n`;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: text.length }), (length) => {
      const cut = text.slice(0, length);
      const [, last = ""] = /([^\n]*)$/.exec(cut) ?? [];
      const whole = last === "" || last === `ann:${HASH}` || last === `bob:${OTHER}`;
      expect(parseHtpasswd(cut).torn).toBe(!whole);
    }),
  );
});

test("whatever stands in a file, it is read", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { hashes } = parseHtpasswd(text);
      for (const [name, hash] of hashes) expect(text).toContain(`${name}:${hash}`);
    }),
  );
});
