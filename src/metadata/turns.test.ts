import { expect, test } from "bun:test";
import { memoryStorage } from "../storage/memory.ts";
import { Turns } from "./turns.ts";

const storage = memoryStorage();

test("looks in the background wait for urgent work", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const end = Promise.withResolvers<void>();
  const urgent = turns.urgently(storage, async (own) => {
    await own.stat("a");
    order.push("urgent");
    await end.promise;
  });
  const background = turns
    .background(storage)
    .stat("a")
    .then(() => order.push("background"));
  await Bun.sleep(1);
  expect(order).toEqual(["urgent"]);
  end.resolve();
  await Promise.all([urgent, background]);
  expect(order).toEqual(["urgent", "background"]);
});

test("looks in the background go on, more slowly, when there is no end of urgent work", async () => {
  const turns = new Turns();
  void turns.urgently(storage, () => new Promise(() => undefined));
  const background = turns.background(storage);
  for (let looks = 0; looks < 5; looks++) await background.stat("a");
});

test("looks in the background that have become urgent wait for no others", async () => {
  const turns = new Turns();
  void turns.urgently(storage, () => new Promise(() => undefined));
  let asked = false;
  const background = turns.background(storage, () => asked);
  let done = false;
  void background.stat("a").then(() => (done = true));
  asked = true;
  const hurried = turns.background(storage, () => asked);
  await hurried.stat("a");
  expect(done).toBe(false);
});

test("after a stop no look begins", async () => {
  const turns = new Turns();
  turns.stop();
  let looked = false;
  void turns
    .background(storage)
    .stat("a")
    .then(() => (looked = true));
  await Bun.sleep(30);
  expect(looked).toBe(false);
});
