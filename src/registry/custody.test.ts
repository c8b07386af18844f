import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Digest } from "../oci/digest.ts";
import { Custody } from "./custody.ts";

const digest = (word: string): Digest => `sha256:${word.repeat(64).slice(0, 64)}` as Digest;
const [A, B] = [digest("a"), digest("b")];
const claimOf = (all: readonly Digest[]) => all.map((one) => ({ digest: one }));

/** Work that says when it begins, and ends when it is told to. */
function held(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = async (): Promise<void> => {
    log.push(`${name} begins`);
    await promise;
    log.push(`${name} ends`);
  };
  return { work, end: resolve };
}

const turns = async (): Promise<void> => await Bun.sleep(1);

describe("custody of blobs", () => {
  test("what a push brings is left out of a claim", async () => {
    const custody = new Custody();
    const push = held([], "push");
    const pushing = custody.coming(A, push.work);
    await turns();
    let except: readonly Digest[] = [];

    await custody.leaving(
      async (coming) => {
        except = coming;
        return [];
      },
      async () => undefined,
    );

    expect(except).toEqual([A]);
    push.end();
    await pushing;
  });

  test("of two pushes of one blob the second still holds it when the first has ended", async () => {
    const custody = new Custody();
    const [one, two] = [held([], "one"), held([], "two")];
    const first = custody.coming(A, one.work);
    const second = custody.coming(A, two.work);
    one.end();
    await first;
    let except: readonly Digest[] = [];
    const claim = async (coming: readonly Digest[]) => {
      except = coming;
      return [];
    };

    await custody.leaving(claim, async () => undefined);
    expect(except).toEqual([A]);
    two.end();
    await second;
    await custody.leaving(claim, async () => undefined);
    expect(except).toEqual([]);
  });

  test("a push of what is leaving waits for that batch, others do not", async () => {
    const custody = new Custody();
    const log: string[] = [];
    const batch = held(log, "batch");
    const leaving = custody.leaving(async () => claimOf([A]), batch.work);
    await turns();

    const same = custody.coming(A, async () => void log.push("push of A"));
    await custody.coming(B, async () => void log.push("push of B"));
    await turns();
    expect(log).toEqual(["batch begins", "push of B"]);
    batch.end();
    await Promise.all([leaving, same]);
    expect(log).toEqual(["batch begins", "push of B", "batch ends", "push of A"]);
  });

  test("a push that sets out while a claim is made waits until that is known", async () => {
    const custody = new Custody();
    const log: string[] = [];
    const claim = held(log, "claim");
    const leaving = custody.leaving(
      async () => {
        await claim.work();
        return claimOf([A]);
      },
      async () => {
        log.push("bytes go");
        await turns();
        log.push("bytes are gone");
      },
    );
    const same = custody.coming(A, async () => void log.push("push of A"));
    const other = custody.coming(B, async () => void log.push("push of B"));
    await turns();
    expect(log).toEqual(["claim begins"]);
    claim.end();
    await Promise.all([leaving, same, other]);
    expect(log.indexOf("push of B")).toBeLessThan(log.indexOf("bytes are gone"));
    expect(log.at(-1)).toBe("push of A");
  });

  test("a claim or a batch that fails holds nobody up", async () => {
    const custody = new Custody();
    const fail = async (): Promise<never> => {
      throw new Error("no");
    };

    expect(custody.leaving(fail, async () => undefined)).rejects.toThrow("no");
    await custody.coming(A, async () => undefined);
    expect(custody.leaving(async () => claimOf([A]), fail)).rejects.toThrow("no");
    await custody.coming(A, async () => undefined);
    await custody.leaving(
      async () => claimOf([A]),
      async () => undefined,
    );
  });

  test("a second collection is refused while one goes on", async () => {
    const custody = new Custody();
    const batch = held([], "batch");
    const first = custody.leaving(async () => claimOf([A]), batch.work);
    await turns();
    expect(
      custody.leaving(
        async () => [],
        async () => undefined,
      ),
    ).rejects.toThrow("two collections");
    batch.end();
    await first;
  });

  test("never, in any order, are bytes brought and taken away at the same time", async () => {
    const word = fc.constantFrom("a", "b", "c");
    const step = fc.oneof(
      fc.record({ push: word, for: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ wait: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ collect: fc.uniqueArray(word), for: fc.integer({ min: 0, max: 4 }) }),
    );
    const ticks = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at++) await Promise.resolve();
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const custody = new Custody();
        const bringing = new Map<Digest, number>();
        const taking = new Set<Digest>();
        const all: Promise<unknown>[] = [];
        let collecting: Promise<unknown> = Promise.resolve();
        for (const one of steps) {
          if ("wait" in one) await ticks(one.wait);
          else if ("push" in one) {
            const it = digest(one.push);
            const pushing = custody.coming(it, async () => {
              expect(taking.has(it)).toBe(false);
              bringing.set(it, (bringing.get(it) ?? 0) + 1);
              await ticks(one.for);
              expect(taking.has(it)).toBe(false);
              bringing.set(it, (bringing.get(it) ?? 1) - 1);
            });
            all.push(pushing);
          } else {
            collecting = collecting.then(
              async () =>
                await custody.leaving(
                  async (except) => {
                    await ticks(one.for);
                    return claimOf(one.collect.map(digest).filter((it) => !except.includes(it)));
                  },
                  async (claimed) => {
                    for (const { digest: it } of claimed) {
                      expect(bringing.get(it) ?? 0).toBe(0);
                      taking.add(it);
                    }
                    await ticks(one.for);
                    for (const { digest: it } of claimed) {
                      expect(bringing.get(it) ?? 0).toBe(0);
                      taking.delete(it);
                    }
                  },
                ),
            );
            all.push(collecting);
          }
        }
        await Promise.all(all);
      }),
      { numRuns: 300 },
    );
  });
});
