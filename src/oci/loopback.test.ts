import { expect, test } from "bun:test";
import { isLoopback } from "./loopback.ts";

test.each([
  ["127.0.0.1", true],
  ["127.1.2.3", true],
  ["::1", true],
  ["[::1]", true],
  ["localhost", true],
  ["", false],
  ["0.0.0.0", false],
  ["::", false],
  ["10.0.0.1", false],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
])("only this machine is reached at %p: %p", (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});
