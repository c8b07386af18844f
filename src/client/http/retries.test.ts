import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../../test/support/failure.ts";
import { virtualTime } from "../../../test/support/virtual-time.ts";
import { RegistryError } from "../../oci/errors.ts";
import { Deadline } from "./deadline.ts";
import { Reply } from "./reply.ts";
import { backoff, retrying } from "./retries.ts";
import type { Fate } from "./unreachable.ts";

const url = new URL("http://registry/");
const NOON = Date.UTC(2026, 0, 1, 12);

type Answer = number | Fate | readonly [status: number, retryAfter: string];

/** Answers one after the other, the last for ever. */
function answering(answers: readonly Answer[], retries = 5) {
  const time = virtualTime();
  const pauses: number[] = [];
  const seen = { asked: 0, read: 0 };
  const send = retrying(
    async ({ method }) => {
      const answer = answers[Math.min(seen.asked++, answers.length - 1)] ?? 200;
      if (typeof answer === "string") throw new RegistryError("REMOTE", { fate: answer });
      const [status, after] = typeof answer === "number" ? [answer] : answer;
      const headers = after === undefined ? {} : { "retry-after": after };
      const deadline = new Deadline(1000, null);
      deadline.whenOver(() => seen.read++);
      return new Reply(new Response("body", { status, headers }), deadline, method, url);
    },
    { ...time, retries, chance: () => 0, date: () => NOON, pause: (ms) => pauses.push(ms) },
  );
  return { time, pauses, seen, ask: (method: string) => send({ method, url }) };
}

describe("what may be better next time", () => {
  test.each([429, 500, 502, 503, 504])("is read again after %d", async (status) => {
    const { ask, seen, time } = answering([status, status, 200]);

    expect((await ask("GET")).status).toBe(200);
    expect(seen).toEqual({ asked: 3, read: 2 });
    expect(time.slept).toEqual([300, 600]);
  });

  test.each([200, 301, 400, 401, 403, 404, 405, 416, 501, 505])(
    "is not read again after %d",
    async (status) => {
      const { ask, seen } = answering([status, 200]);

      expect((await ask("GET")).status).toBe(status);
      expect(seen.asked).toBe(1);
    },
  );

  test("is what the registry answers, when it answers so for ever", async () => {
    const { ask, seen, time } = answering([503]);

    const reply = await ask("HEAD");

    expect(reply.status).toBe(503);
    expect(seen.asked).toBe(6);
    expect(time.slept).toEqual([300, 600, 1200, 2400, 4800]);
  });
});

describe("what changes something", () => {
  const changes = ["DELETE", "PUT", "POST", "PATCH"];

  test.each(changes)("is not repeated when it may have been done: %s", async (method) => {
    for (const status of [500, 502, 503, 504]) {
      const { ask, seen } = answering([status, 202]);
      expect((await ask(method)).status).toBe(status);
      expect(seen.asked).toBe(1);
    }
    const { ask, seen } = answering(["unknown", 202]);
    await failureOf(ask(method));
    expect(seen.asked).toBe(1);
  });

  test.each(changes)("is repeated when it was not heard, or not now: %s", async (method) => {
    const { ask, seen } = answering(["unsent", 429, 202]);

    expect((await ask(method)).status).toBe(202);
    expect(seen.asked).toBe(3);
  });
});

describe("a connection", () => {
  test("that breaks is tried again for what only reads", async () => {
    const { ask } = answering(["unknown", "unsent", 200]);

    expect((await ask("GET")).status).toBe(200);
  });

  test("that can never be is not: a wrong certificate stays wrong", async () => {
    const { ask, seen } = answering(["refused", 200]);

    await failureOf(ask("GET"));
    expect(seen.asked).toBe(1);
  });

  test("that breaks for ever ends with its error", async () => {
    const { ask, seen } = answering(["unknown"], 2);

    expect((await failureOf(ask("GET"))).detail["fate"]).toBe("unknown");
    expect(seen.asked).toBe(3);
  });
});

describe("Retry-After", () => {
  test.each([
    ["7", 7000],
    ["0", 300],
    ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
    ["Thu, 01 Jan 2026 11:00:00 GMT", 300],
    ["-5", 300],
    ["soon", 300],
    ["1e9", 300],
    ["1000000000", 60_000],
    ["Fri, 01 Jan 2126 12:00:00 GMT", 60_000],
    ["", 300],
  ])("of %p means %p ms", async (after, wait) => {
    for (const status of [429, 503]) {
      const { ask, time } = answering([[status, after], 200]);
      expect((await ask("GET")).status).toBe(200);
      expect(time.slept).toEqual([wait]);
    }
  });

  test("of a 429 holds all others back too, of a 503 nobody else", async () => {
    const many = answering([[429, "9"], 200]);
    await many.ask("GET");
    expect(many.pauses).toEqual([9000]);

    const one = answering([[503, "9"], 200]);
    await one.ask("GET");
    expect(one.pauses).toEqual([]);
  });

  test("that says a minute again and again ends after five of them", async () => {
    const { ask, time } = answering([[429, "1000000000"]], 20);

    expect((await ask("GET")).status).toBe(429);
    expect(time.now()).toBeLessThanOrEqual(5 * 60_000);
  });
});

test("a wait grows, stays within half a minute, and is not everybody's", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const wait = backoff(failures, chance);
      expect(wait).toBeGreaterThanOrEqual(150);
      expect(wait).toBeLessThanOrEqual(30_000);
      expect(wait).toBeLessThanOrEqual(backoff(failures + 1, chance));
    }),
  );
  expect(backoff(3, 0)).toBe(2 * backoff(3, 1));
});
