import { expect, test } from "bun:test";
import { turns } from "./turns.ts";

test("so many are at work at once, and no more, also when some fail", async () => {
  const three = turns(3);
  let now = 0;
  let most = 0;
  const work = async (n: number): Promise<number> => {
    most = Math.max(most, ++now);
    await Bun.sleep(1);
    now--;
    if (n % 4 === 0) throw new Error("no");
    return n;
  };

  const all = await Promise.allSettled(
    Array.from({ length: 30 }, (_, n) => three.take(() => work(n))),
  );

  expect(most).toBe(3);
  expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(22);
});

test("a rate keeps a distance between the beginnings", async () => {
  const slow = turns(10, 200);
  const started: number[] = [];

  await Promise.all(
    Array.from({ length: 5 }, () => slow.take(async () => void started.push(performance.now()))),
  );

  const first = started[0] ?? 0;
  // A timer may come a little early by this clock.
  for (const [at, time] of started.entries()) expect(time - first).toBeGreaterThan(at * 5 - 2);
});
