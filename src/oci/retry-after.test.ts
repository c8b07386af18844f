import { expect, test } from "bun:test";
import { retryAfter } from "./retry-after.ts";

test.each([
  [null, null],
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7000],
  ["Thu, 01 Jan 1970 00:02:00 GMT", 60_000],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["soon", null],
  ["", null],
  ["-5", null],
  ["1e9", null],
  ["1000000000", 1e12],
  ["99999999999999999999", null],
])("Retry-After %p, a minute after midnight, asks for %p ms", (header, expected) => {
  expect(retryAfter(header, 60_000)).toBe(expected);
});
