import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { tryEveryCut } from "./support/cut.ts";
import { Random, seedOfRun } from "./support/random.ts";
import { scenarios } from "./support/scenarios.ts";

setDefaultTimeout(120_000);

const seed = seedOfRun();
const thorough = process.env["DURABILITY"] === "thorough";
const effort = thorough ? { damages: 12, recutEvery: 1 } : { damages: 5, recutEvery: 25 };

/**
 * The driver of a folder runs on a simulated disk, and a crash is tried before every call that changes
 * the disk, before every commit and after every acknowledgement, with several kinds of damage.
 */
describe(`a crash at every moment (DURABILITY_SEED=${seed})`, () => {
  for (const scenario of scenarios()) {
    test(`of ${scenario.name} costs nothing that was acknowledged, and leaves no half of anything`, async () => {
      const tried = await tryEveryCut(scenario, new Random(seed), effort);
      expect(tried.failures).toEqual([]);
      expect(tried.crashes).toBeGreaterThan(tried.moments / 2);
    });
  }
});
