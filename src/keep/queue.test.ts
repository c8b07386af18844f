import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KINDS, type Kind, Queue } from "./queue.ts";
import { quietAt, toldAgain } from "./quiet.ts";

describe("the queue of a registry", () => {
  test("begins what is asked for when nothing goes on, and lets others wait or join", () => {
    const queue = new Queue();
    expect(queue.ask("collect")).toBe("begins");
    expect(queue.begin()).toBe("collect");
    expect(queue.ask("collect")).toBe("joins");
    expect(queue.ask("prune")).toBe("waits");
    expect(queue.ask("prune")).toBe("joins");
    expect(queue.begin()).toBeNull();
    queue.end();
    expect(queue.begin()).toBe("prune");
    queue.end();
    expect(queue.begin()).toBeNull();
  });

  test("prunes before it collects", () => {
    const queue = new Queue();
    queue.ask("collect");
    queue.ask("prune");
    expect(queue.begin()).toBe("prune");
    queue.end();
    expect(queue.begin()).toBe("collect");
  });

  test("does again what was asked for anew while it went on", () => {
    const queue = new Queue();
    queue.ask("collect");
    queue.begin();
    expect(queue.ask("collect", true)).toBe("waits");
    expect(queue.ask("collect", true)).toBe("joins");
    queue.end();
    expect(queue.begin()).toBe("collect");
  });

  test("loses no wish and does one thing at a time, whatever comes", () => {
    const step = fc.oneof(
      fc.record({ ask: fc.constantFrom<Kind>(...KINDS), anew: fc.boolean() }),
      fc.constant("begin" as const),
      fc.constant("end" as const),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new Queue();
        const owed = new Set<Kind>();
        for (const one of steps) {
          const running = queue.running;
          if (one === "end") queue.end();
          else if (one === "begin") {
            const begun = queue.begin();
            if (begun !== null) {
              expect(running).toBeNull();
              owed.delete(begun);
            }
          } else if (queue.ask(one.ask, one.anew) !== "joins") owed.add(one.ask);
          expect(new Set(queue.waiting)).toEqual(owed);
        }
      }),
    );
  });
});

describe("deletes are followed by a collection", () => {
  const minute = 60_000;

  test("so long after the last one", () => {
    const first = toldAgain(null, 0);
    expect(quietAt(first, minute)).toBe(minute);
    expect(quietAt(toldAgain(first, minute / 2), minute)).toBe(1.5 * minute);
  });

  test("at most ten minutes after the first one, unless more was asked for", () => {
    let told = toldAgain(null, 0);
    for (let at = 0; at < 60 * minute; at += minute / 2) told = toldAgain(told, at);
    expect(quietAt(told, minute)).toBe(10 * minute);
    expect(quietAt(told, 30 * minute)).toBe(30 * minute);
  });

  test("also when the clock was put back", () => {
    expect(quietAt(toldAgain({ firstAt: 1e12, lastAt: 1e12 }, 1000), minute)).toBe(1000 + minute);
  });
});
