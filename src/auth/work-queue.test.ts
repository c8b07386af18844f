import { expect, test } from "bun:test";
import fc from "fast-check";
import { WorkQueue } from "./work-queue.ts";

/** Work that ends when it is told to. */
function work(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return {
    end: () => resolve(name),
    fail: () => reject(new Error(name)),
    run: async () => {
      log.push(name);
      return await promise;
    },
  };
}

const turn = async (): Promise<void> => await Bun.sleep(0);

test("so many run at once, and the next begins when one ends or fails", async () => {
  const queue = new WorkQueue({ atOnce: 2, perClient: 9, inAll: 9 });
  const log: string[] = [];
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => work(log, name));
  const results = [a, b, c, d].map((one) => queue.run("x", one!.run));
  expect(log).toEqual(["a", "b"]);
  a!.end();
  await turn();
  expect(log).toEqual(["a", "b", "c"]);
  b!.fail();
  expect(results[1]).rejects.toThrow("b");
  await turn();
  expect(log).toEqual(["a", "b", "c", "d"]);
  c!.end();
  d!.end();
  expect(await results[0]).toBe("a");
  expect(await results[3]).toBe("d");
});

test("clients take turns: who asks for much waits behind himself", async () => {
  const queue = new WorkQueue({ atOnce: 1, perClient: 9, inAll: 99 });
  const log: string[] = [];
  const started = ["x1", "x2", "x3", "x4", "y1", "z1", "y2"].map((name) => {
    const one = work(log, name);
    one.end();
    return queue.run(name.charAt(0), one.run);
  });
  await Promise.all(started.map((one) => one ?? Promise.reject(new Error("refused"))));
  expect(log).toEqual(["x1", "x2", "y1", "z1", "x3", "y2", "x4"]);
});

test("what cannot even wait is refused, and done later when there is room", async () => {
  const queue = new WorkQueue({ atOnce: 1, perClient: 2, inAll: 3 });
  const log: string[] = [];
  const first = work(log, "first");
  const running = queue.run("x", first.run);
  const quick = (client: string) => queue.run(client, async () => await Promise.resolve(client));
  const waiting = [quick("x"), quick("x")];
  expect(quick("x")).toBeNull();
  waiting.push(quick("y"));
  expect(quick("z")).toBeNull();
  first.end();
  expect(await Promise.all([running, ...waiting])).toEqual(["first", "x", "x", "y"]);
  expect(await quick("z")).toBe("z");
});

test("whatever comes and goes, no more run than may, and all that was taken ends", async () => {
  const step = fc.record({ client: fc.constantFrom("a", "b", "c"), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, atOnce) => {
        const queue = new WorkQueue({ atOnce, perClient: 5, inAll: 12 });
        let running = 0;
        let most = 0;
        const taken = steps.map(({ client, fails }) =>
          queue.run(client, async () => {
            most = Math.max(most, ++running);
            await turn();
            running--;
            if (fails) throw new Error("failed");
          }),
        );
        await Promise.allSettled(taken.map((one) => one ?? Promise.resolve()));
        expect(most).toBeLessThanOrEqual(atOnce);
        expect(running).toBe(0);
        expect(taken.filter((one) => one === null).length).toBe(
          steps.length - taken.filter(Boolean).length,
        );
        let again = false;
        await queue.run("a", async () => {
          again = true;
          await turn();
        });
        expect(again).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});
