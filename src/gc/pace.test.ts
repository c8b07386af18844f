import { expect, test } from "bun:test";
import { Pace } from "./pace.ts";

test("work is spread evenly, and a pause saves up nothing", async () => {
  let now = 0;
  const begun: number[] = [];
  const pace = new Pace(
    () => 1000,
    () => now,
    async (ms) => {
      now += ms;
    },
  );
  for (let batch = 0; batch < 3; batch++) {
    await pace.take(50);
    begun.push(now);
  }
  now += 10_000;
  for (let batch = 0; batch < 2; batch++) {
    await pace.take(50);
    begun.push(now);
  }
  expect(begun).toEqual([0, 50, 100, 10_100, 10_150]);
});
