import { describe, expect, test } from "bun:test";
import { RegistryError } from "../oci/errors.ts";
import { Flood } from "./flood.ts";

/** How many of `count` requests at one moment are let in. */
function admitted(flood: Flood, client: string, count: number, now: number): number {
  return Array.from({ length: count }, () => flood.wait(client, now)).filter((wait) => wait === 0)
    .length;
}

describe("a flood", () => {
  test("is let in for ten seconds' worth, and then at its rate", () => {
    const flood = new Flood(5);

    expect(admitted(flood, "a", 1000, 0)).toBe(50);
    expect(admitted(flood, "a", 1000, 1000)).toBe(5);
    expect(admitted(flood, "a", 1000, 1100)).toBe(0);
    expect(admitted(flood, "a", 1000, 1200)).toBe(1);
    expect(admitted(flood, "a", 1000, 100_000)).toBe(50);
  });

  test("costs others nothing", () => {
    const flood = new Flood(1);

    admitted(flood, "a", 1000, 0);

    expect(admitted(flood, "b", 1000, 0)).toBe(10);
  });

  test("that is refused is told when to come back, and is right to", () => {
    const flood = new Flood(0.5);
    expect(admitted(flood, "a", 100, 0)).toBe(5);

    const wait = flood.wait("a", 0);

    expect(flood.wait("a", wait - 1)).toBeGreaterThan(0);
    expect(flood.wait("a", wait)).toBe(0);
  });

  test("of refused requests does not keep a client out for longer", () => {
    const flood = new Flood(1);

    admitted(flood, "a", 100_000, 0);

    expect(flood.wait("a", 1000)).toBe(0);
  });

  test("with a rate of less than one in ten seconds lets the first in", () => {
    const flood = new Flood(0.01);

    expect(admitted(flood, "a", 3, 0)).toBe(1);
  });

  test("from many addresses is remembered up to a number of them, the latest", () => {
    const flood = new Flood(1, 100);
    for (let at = 0; at < 10_000; at++) admitted(flood, `a${at}`, 10, 0);

    expect(flood.wait("a9999", 0)).toBeGreaterThan(0);
    expect(flood.wait("a9900", 0)).toBeGreaterThan(0);
    expect(flood.wait("a5", 0)).toBe(0);
  });

  test("is refused with a 429 that says when to come back", () => {
    const flood = new Flood(0.1);
    flood.admit("10.0.0.1", 0);

    let refusal: unknown;
    try {
      flood.admit("::ffff:10.0.0.1", 0);
    } catch (error) {
      refusal = error;
    }

    expect(refusal).toBeInstanceOf(RegistryError);
    const { status, message, headers } = refusal as RegistryError;
    expect([status, message]).toEqual([429, "too many requests: more than 0.1 a second"]);
    expect(headers).toEqual({ "retry-after": "10" });
  });
});
