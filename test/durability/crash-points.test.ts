import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { tryEveryCut } from "./support/cut.ts";
import { Random } from "../support/random.ts";
import { seedOfRun } from "./support/seed.ts";
import { scenarios } from "./support/scenarios.ts";

setDefaultTimeout(120_000);

const seed = seedOfRun();
const thorough = process.env["DURABILITY"] === "thorough";
const effort = thorough ? { damages: 12, recutEvery: 10 } : { damages: 1, recutEvery: 60 };

/**
 * The driver of a folder runs on a simulated disk, and a crash is tried before every call that changes
 * the disk, before every commit and after every acknowledgement, with several kinds of damage.
 */
describe(`a crash at every moment (DURABILITY_SEED=${seed})`, () => {
  for (const scenario of scenarios()) {
    test(`of ${scenario.name} costs nothing that was acknowledged, and leaves no half of anything`, async () => {
      const tried = await tryEveryCut(scenario, new Random(seed), effort);
      expect(tried.failures).toEqual([]);
      expect(tried.crashes).toBeGreaterThan(tried.moments / 4);
    });
  }
});

describe("these tests can fail: a disk that lies is noticed", () => {
  const lies = [
    { lie: "file", scenario: "a blob in one request" },
    { lie: "folder", scenario: "a blob in one request" },
    { lie: "filesystem", scenario: "a manifest by tag" },
  ] as const;
  for (const { lie, scenario: name } of lies) {
    test(`about the sync of a ${lie}`, async () => {
      const scenario = scenarios().find((one) => one.name === name);
      if (!scenario) throw new Error(`there is no scenario ${name}`);
      const little = { damages: 6, recutEvery: 1000, lies: lie };
      const { failures } = await tryEveryCut(scenario, new Random(seed), little);
      expect(failures.join("\n")).toMatch(
        /is missing|other bytes|bytes instead|the tree shows|shown/,
      );
    });
  }
});
