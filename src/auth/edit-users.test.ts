import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { hasUser, namesOf, removeUser, setUser } from "./edit-users.ts";
import { parseHtpasswd } from "./htpasswd.ts";

const HASH = "$2y$05$abcdefghijklmnopqrstuuWHxnxkyNt6AHCwFMQaY6auyqJA8E98a";
const OTHER = HASH.replace("hxnx", "hynx");
const bytes = (text: string): Buffer => Buffer.from(text);
const set = (text: string, name: string): string => setUser(bytes(text), name, OTHER).toString();
const without = (text: string, name: string): string => removeUser(bytes(text), name).toString();

test("a new user comes at the end, on a line of his own", () => {
  expect(set("", "ann")).toBe(`ann:${OTHER}\n`);
  expect(set(`bob:${HASH}\n`, "ann")).toBe(`bob:${HASH}\nann:${OTHER}\n`);
  expect(set(`bob:${HASH}`, "ann")).toBe(`bob:${HASH}\nann:${OTHER}\n`);
  expect(set(`bob:${HASH}\r\n`, "ann")).toBe(`bob:${HASH}\r\nann:${OTHER}\r\n`);
});

test("a user who is there keeps his place, and stands there once", () => {
  const before = `# ours\nann:${HASH}\nbob:${HASH}\nann:x\n`;
  expect(set(before, "ann")).toBe(`# ours\nann:${OTHER}\nbob:${HASH}\n`);
  expect(without(before, "ann")).toBe(`# ours\nbob:${HASH}\n`);
});

test("whose name only begins like another's stays", () => {
  const before = `anna:${HASH}\nan:${HASH}\n`;
  expect(without(before, "ann")).toBe(before);
  expect(hasUser(bytes(before), "ann")).toBe(false);
  expect(hasUser(bytes("#ann:x\nann\n"), "ann")).toBe(false);
});

test("a user with a hash that is not taken is listed, and can be removed", () => {
  const before = "ann:$apr1$x\nbob:\n:x\nnothing\n";
  expect(namesOf(bytes(before))).toEqual(["ann", "bob"]);
  expect(without(before, "ann")).toBe("bob:\n:x\nnothing\n");
});

describe("whatever else stands in the file", () => {
  const line = fc.oneof(
    fc.uint8Array({ maxLength: 12 }).map((raw) => Buffer.from(raw.filter((byte) => byte !== 10))),
    fc.constantFrom("# comment", "", "bob:x", `eve:${HASH}`, "a b:x", "jürgen:x\r").map(bytes),
  );
  const file = fc.tuple(fc.array(line, { maxLength: 8 }), fc.boolean()).map(([lines, ended]) => {
    const all = lines.flatMap((one, at) => (at === 0 ? [one] : [bytes("\n"), one]));
    return Buffer.concat([...all, bytes(ended ? "\n" : "")]);
  });

  test("stays, byte for byte, when a user comes and goes", () => {
    fc.assert(
      fc.property(file, (before) => {
        fc.pre(!hasUser(before, "zoë"));
        const after = setUser(before, "zoë", HASH);
        expect(after.subarray(0, before.length).equals(before)).toBe(true);
        expect(parseHtpasswd(after.toString()).hashes.get("zoë")).toBe(HASH);
        const again = removeUser(setUser(after, "zoë", OTHER), "zoë");
        expect(again.subarray(0, before.length).equals(before)).toBe(true);
        expect(again.subarray(before.length).toString().trim()).toBe("");
      }),
      { numRuns: 500 },
    );
  });
});
