import { describe, expect, test } from "bun:test";
import { type Operation, isLinearizable } from "./history.ts";
import { Random } from "../../support/random.ts";

const never = Number.POSITIVE_INFINITY;
const set = (value: string | null, called: number, returned: number): Operation => ({
  kind: "write",
  value,
  called,
  returned,
});
const saw = (value: string | null, called: number, returned: number): Operation => ({
  kind: "read",
  value,
  called,
  returned,
});
const removed = (found: boolean, called: number, returned: number): Operation => ({
  ...set(null, called, returned),
  found,
});

describe("histories of one register that are right", () => {
  const right: Readonly<Record<string, Operation[]>> = {
    "one after the other": [saw(null, 0, 1), set("a", 2, 3), saw("a", 4, 5)],
    "a read during a write sees the old value": [set("a", 0, 9), saw(null, 1, 2)],
    "a read during a write sees the new value": [set("a", 0, 9), saw("a", 1, 2), saw("a", 3, 4)],
    "two writes at once, in either order": [set("a", 0, 9), set("b", 0, 9), saw("a", 10, 11)],
    "an unknown outcome that comes later": [
      set("a", 0, 1),
      set("b", 2, never),
      saw("a", 3, 4),
      saw("b", 8, 9),
    ],
    "an unknown outcome that never comes": [set("a", 0, never), saw(null, 5, 6)],
    "a removal that finds something": [set("a", 0, 1), removed(true, 2, 3), saw(null, 4, 5)],
    "two removals at once, one of which finds it": [
      set("a", 0, 1),
      removed(true, 2, 9),
      removed(false, 2, 9),
    ],
  };
  for (const [name, history] of Object.entries(right)) {
    test(name, () => expect(isLinearizable(history)).toBe(true));
  }
});

describe("histories that no register can have had are refused", () => {
  const wrong: Readonly<Record<string, Operation[]>> = {
    "a stale read": [set("a", 0, 1), set("b", 2, 3), saw("a", 4, 5)],
    "a lost write": [set("a", 0, 1), saw(null, 2, 3)],
    "a value from nowhere": [set("a", 0, 1), saw("z", 2, 3)],
    "new, then old again, during one write": [set("a", 0, 9), saw("a", 1, 2), saw(null, 3, 4)],
    "two readers that disagree about the order": [
      set("a", 0, 9),
      set("b", 0, 9),
      saw("a", 10, 11),
      saw("b", 12, 13),
    ],
    "an unknown outcome that comes and goes": [
      set("a", 0, 1),
      set("b", 2, never),
      saw("b", 3, 4),
      saw("a", 5, 6),
    ],
    "a removal that finds nothing where something is": [set("a", 0, 1), removed(false, 2, 3)],
    "a value that comes back after its removal": [
      set("a", 0, 1),
      removed(true, 2, 3),
      saw("a", 4, 5),
    ],
  };
  for (const [name, history] of Object.entries(wrong)) {
    test(name, () => expect(isLinearizable(history)).toBe(false));
  }

  test("a history from a real register is right, and wrong with one read changed", () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      let value: string | null = null;
      const history: Operation[] = [];
      for (let at = 0; at < 200; at += 2) {
        // Each takes effect at `at`; calls and returns lie around it, and over those of others.
        const [called, returned] = [at - random.next() * 9, at + random.next() * 9];
        if (random.coin()) history.push(saw(value, called, returned));
        else history.push(set((value = `v${at}`), called, returned));
      }
      expect(isLinearizable(history)).toBe(true);
      history.push(saw("v1000", 500, 501));
      expect(isLinearizable(history)).toBe(false);
    }
  });
});
