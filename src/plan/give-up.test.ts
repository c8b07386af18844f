import { expect, test } from "bun:test";
import type { ErrorKind } from "../oci/error-table.ts";
import { RegistryError } from "../oci/errors.ts";
import { GivingUp } from "./give-up.ts";

function after(count: number, kind: ErrorKind, status?: number): boolean {
  const giving = new GivingUp();
  for (let n = 0; n < count; n++) giving.failed(new RegistryError(kind, { status }));
  return giving.because !== null;
}

test("a registry that has gone, or takes no deletes, is left alone after eight answers in a row", () => {
  for (const [kind, status] of [
    ["REMOTE", undefined],
    ["REMOTE", 503],
    ["REMOTE", 429],
    ["REFUSED", 405],
    ["DELETE_DISABLED", undefined],
  ] as const) {
    expect([kind, status, after(7, kind, status), after(8, kind, status)]).toEqual([
      kind,
      status,
      false,
      true,
    ]);
  }
});

test("what is about one repository or tag says nothing of the others, however often it comes", () => {
  expect(after(100, "CREDENTIALS")).toBe(false);
  expect(after(100, "DENIED")).toBe(false);
  expect(after(100, "REFUSED", 412)).toBe(false);
  expect(after(100, "REFUSED")).toBe(false);
  expect(after(100, "REMOTE", 400)).toBe(false);
});

test("an answer in between begins the count anew", () => {
  const giving = new GivingUp();
  for (let n = 0; n < 30; n++) {
    giving.failed(new RegistryError("REMOTE"));
    if (n % 5 === 0) giving.answered();
  }
  expect(giving.because).toBeNull();
});
