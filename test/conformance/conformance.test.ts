import { describe, expect, test } from "bun:test";
import { findSuite, runSuite } from "./suite.ts";

const executable = findSuite();

// Skipped also under CI=true where it is missing: unlike the clients, no package registry carries it.
describe.skipIf(executable === null)(`the conformance suite of the OCI distribution spec`, () => {
  test("passes as a whole, with nothing failed, skipped or left out", async () => {
    const { summary } = await runSuite(executable ?? "");
    expect(summary.Total).toBeGreaterThan(800);
    expect(summary).toEqual({
      Pass: summary.Total,
      Total: summary.Total,
      FAIL: 0,
      Error: 0,
      Skip: 0,
      Disabled: 0,
    });
  }, 120_000);
});
