import { expect, test } from "bun:test";
import { CheckedPasswords } from "./checked-passwords.ts";
import type { Users } from "./htpasswd.ts";

const users = (hashes: Readonly<Record<string, string>>): Users => {
  return { hashes: new Map(Object.entries(hashes)), problems: [], torn: false };
};

test("credentials are known for as long as the user has the hash", () => {
  const checked = new CheckedPasswords();
  checked.add("mark", "ann", "hash");
  expect(checked.userOf("mark", users({ ann: "hash" }))).toBe("ann");
  expect(checked.userOf("mark", users({ ann: "other" }))).toBeNull();
  expect(checked.userOf("mark", users({ bob: "hash" }))).toBeNull();
  expect(checked.userOf("other", users({ ann: "hash" }))).toBeNull();
});

test("one user with very many forms of his password makes nobody forgotten, but his own oldest", () => {
  const checked = new CheckedPasswords();
  const all = users({ ann: "a", bob: "b" });
  checked.add("anns", "ann", "a");
  for (let at = 0; at < 100_000; at++) checked.add(`bobs ${at}`, "bob", "b");
  expect(checked.userOf("anns", all)).toBe("ann");
  expect(checked.userOf("bobs 99999", all)).toBe("bob");
  expect(checked.userOf("bobs 0", all)).toBeNull();
});

test("the same credentials again take no more room", () => {
  const checked = new CheckedPasswords();
  checked.add("first", "ann", "a");
  for (let at = 0; at < 100; at++) checked.add("again", "ann", "a");
  expect(checked.userOf("first", users({ ann: "a" }))).toBe("ann");
});
