import { expect, test } from "bun:test";
import { inParallel } from "./parallel.ts";

test("results come in the order of the items, whichever is ready first", async () => {
  const results = inParallel([30, 1, 20, 2], 3, async (ms) => {
    await Bun.sleep(ms);
    return ms;
  });

  expect(await Array.fromAsync(results)).toEqual([30, 1, 20, 2]);
});

test("no more work is under way than allowed", async () => {
  let now = 0;
  let most = 0;
  const results = inParallel(Array.from({ length: 20 }), 4, async () => {
    most = Math.max(most, ++now);
    await Bun.sleep(1);
    now--;
  });

  await Array.fromAsync(results);

  expect(most).toBe(4);
});

test("the first error ends it, and later ones disturb nobody", async () => {
  const results = inParallel([1, 2, 3], 3, async (item) => {
    await Bun.sleep(item);
    throw new Error(`item ${item}`);
  });

  const failure = await Array.fromAsync(results).catch((error: unknown) => error);

  expect(failure).toEqual(new Error("item 1"));
  await Bun.sleep(10);
});
