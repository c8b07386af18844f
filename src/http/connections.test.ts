import { describe, expect, test } from "bun:test";
import { type Connection, isOverdue, seen, surplus } from "./connections.ts";

const PATIENCE = 30_000;
const SECOND = 1000;

interface Moment {
  readonly at: number;
  readonly received: number;
  readonly delivered?: number;
  readonly waiting?: number;
  readonly working?: boolean;
  readonly port?: number;
}

/** What is known of a connection after these looks. */
function after(...moments: readonly Moment[]): Connection {
  let known: Connection | undefined;
  for (const { at, received, delivered = 0, waiting = 0, working = false, port = 1 } of moments) {
    known = seen(known, { fd: 7, port, received, delivered, waiting }, working, at * SECOND);
  }
  return known!;
}

const overdueAt = (at: number, ...moments: readonly Moment[]): boolean =>
  isOverdue(after(...moments), PATIENCE, at * SECOND);

describe("a client that sends the head of a request", () => {
  test("byte by byte is overdue when the time is up, and not before", () => {
    const drip = Array.from({ length: 40 }, (_, at) => ({ at, received: at + 1 }));

    expect(overdueAt(30, ...drip.slice(0, 31))).toBe(false);
    expect(overdueAt(31, ...drip.slice(0, 32))).toBe(true);
  });

  test("and stops in the middle of it is overdue, too", () => {
    expect(overdueAt(31, { at: 0, received: 20 }, { at: 31, received: 20 })).toBe(true);
  });

  test("has its time anew for each request on its connection", () => {
    const first = { at: 0, received: 20 };
    const answered = { at: 29, received: 50, delivered: 100 };
    const second = { at: 58, received: 60, delivered: 100 };

    expect(overdueAt(58, first, answered, second)).toBe(false);
    expect(overdueAt(90, first, answered, second, { ...second, at: 90 })).toBe(true);
  });
});

describe("a client is not overdue", () => {
  test("that has sent nothing: the idle time is for that", () => {
    expect(overdueAt(1000, { at: 0, received: 0 }, { at: 1000, received: 0 })).toBe(false);
  });

  test("that waits between two requests", () => {
    const answered = { received: 50, delivered: 100 };

    expect(overdueAt(1000, { at: 0, ...answered }, { at: 1000, ...answered })).toBe(false);
  });

  test("whose upload is under way, however slow", () => {
    const body = Array.from({ length: 100 }, (_, at) => ({
      at: at * 10,
      received: 100 + at,
      working: true,
    }));

    expect(overdueAt(990, ...body)).toBe(false);
  });

  test("that is slow to take its answer", () => {
    const stalled = { received: 50, delivered: 100, waiting: 1000 };
    const more = { ...stalled, received: 60 };

    expect(overdueAt(1000, { at: 0, ...stalled }, { at: 1, ...more }, { at: 1000, ...more })).toBe(
      false,
    );
  });

  test("that sends out a body which was refused: no head is that large", () => {
    const refused = { at: 0, received: 500, delivered: 300, working: false };

    expect(
      overdueAt(
        60,
        refused,
        { ...refused, at: 1, received: 70_000 },
        { ...refused, at: 60, received: 900_000 },
      ),
    ).toBe(false);
  });

  test("whose descriptor belonged to a slower one before", () => {
    const slow = { at: 0, received: 20 };

    expect(overdueAt(40, slow, { at: 39, received: 30, port: 2 })).toBe(false);
    expect(overdueAt(40, slow, { at: 39, received: 5 })).toBe(false);
  });
});

describe("of too many connections", () => {
  const connections = (...all: readonly Connection[]) =>
    new Map(all.map((one, at): [number, Connection] => [at, one]));
  const quiet = (since: number) => after({ at: since, received: 50, delivered: 100 });
  const served = after({ at: 0, received: 50, working: true });

  test("the quietest go, and none that is served", () => {
    const all = connections(quiet(5), served, quiet(1), quiet(3));

    expect(surplus(all, 4)).toEqual([]);
    expect(surplus(all, 3)).toEqual([2]);
    expect(surplus(all, 2)).toEqual([2, 3]);
    expect(surplus(all, 0)).toEqual([2, 3, 0]);
  });
});
