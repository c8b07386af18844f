import { expect, test } from "bun:test";
import { SharedList } from "./shared-list.ts";

test("everything is taken once, by whoever comes first", () => {
  const items = ["a", "b", "c", "d"];
  const mine = new SharedList(items);
  const theirs = new SharedList(items, mine.memory);
  const [one, other] = [mine[Symbol.iterator](), theirs[Symbol.iterator]()];
  expect([one.next().value, other.next().value, one.next().value]).toEqual(["a", "b", "c"]);
  expect(mine.taken).toBe(3);
  expect([...theirs]).toEqual(["d"]);
  expect([...mine]).toEqual([]);
  expect([mine.taken, theirs.taken]).toEqual([4, 4]);
});
