import { expect, test } from "bun:test";
import { Throttle } from "./throttle.ts";

const HERE = "192.0.2.1";
const MINUTE = 60_000;

/** Fails `count` times at one moment. */
function failing(throttle: Throttle, count: number, user = "ann", address = HERE, now = 0): void {
  for (let at = 0; at < count; at++) throttle.failed(address, user, now);
}

test("a few wrong passwords cost nothing; then each try waits twice as long, up to a minute", () => {
  const throttle = new Throttle();
  const waits: number[] = [];
  let now = 0;
  for (let at = 0; at < 14; at++) {
    const wait = throttle.wait(HERE, "ann", now);
    waits.push(wait / 1000);
    now += wait;
    throttle.failed(HERE, "ann", now);
  }
  expect(waits).toEqual([0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test("nobody is kept out by what others do elsewhere", () => {
  const throttle = new Throttle();
  failing(throttle, 1000);
  expect(throttle.wait(HERE, "ann", 1)).toBeGreaterThan(0);
  expect(throttle.wait("192.0.2.2", "ann", 1)).toBe(0);
});

test("an address that tries many users is slowed down for all of them", () => {
  const throttle = new Throttle();
  for (let at = 0; at < 49; at++) failing(throttle, 1, `user${at}`);
  expect(throttle.wait(HERE, "another", 1)).toBe(0);
  failing(throttle, 1, "user49");
  expect(throttle.wait(HERE, "another", 1)).toBeGreaterThan(0);
});

test("a right password forgives the user, and not the address", () => {
  const throttle = new Throttle();
  failing(throttle, 10);
  throttle.succeeded(HERE, "ann");
  expect(throttle.wait(HERE, "ann", 1)).toBe(0);
  failing(throttle, 40, "bob");
  throttle.succeeded(HERE, "ann");
  expect(throttle.wait(HERE, "ann", 1)).toBeGreaterThan(0);
});

test("all is forgiven after a quarter of an hour without a wrong password", () => {
  const throttle = new Throttle();
  failing(throttle, 20);
  expect(throttle.wait(HERE, "ann", MINUTE - 1)).toBe(1);
  failing(throttle, 1, "ann", HERE, 16 * MINUTE);
  expect(throttle.wait(HERE, "ann", 16 * MINUTE)).toBe(0);
});

test("what is remembered is bounded, and the latest are", () => {
  const throttle = new Throttle();
  for (let at = 0; at < 30_000; at++) failing(throttle, 5, "ann", `192.0.${at >> 8}.${at & 255}`);
  expect(throttle.wait("192.0.117.47", "ann", 1)).toBeGreaterThan(0);
  expect(throttle.wait("192.0.0.1", "ann", 1)).toBe(0);
});
