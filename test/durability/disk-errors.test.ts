import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ERRORS, type Fault, callsOf, tryFault } from "./support/fault.ts";
import { Random } from "../support/random.ts";
import { seedOfRun } from "./support/seed.ts";
import { scenarios } from "./support/scenarios.ts";

setDefaultTimeout(600_000);

const seed = seedOfRun();
const thorough = process.env["DURABILITY"] === "thorough";
/** Of all faults, so many are tried in each scenario; every sync is always one of them. */
const TRIED = 8;

function faultsOf(calls: readonly string[], random: Random): Fault[] {
  const all = calls.flatMap((call, at) =>
    ERRORS.flatMap((error) => {
      // Only writes can be short, and a sync says little else than that it failed.
      if (error === "short" && !call.startsWith("write")) return [];
      return [false, true].map((forEver) => ({ at, error, forEver }));
    }),
  );
  const syncs = all.filter(({ at, error }) => /sync/.test(calls[at] ?? "") && error === "EIO");
  if (thorough) return all;
  return [
    ...syncs.filter(() => random.coin()),
    ...Array.from({ length: TRIED }, () => random.pick(all)),
  ];
}

describe(`an error of the disk at any call, once and for ever (DURABILITY_SEED=${seed})`, () => {
  for (const scenario of scenarios()) {
    test(`in ${scenario.name} is a clean error, changes nothing, and is overcome`, async () => {
      const calls = await callsOf(scenario);
      expect(calls.length).toBeGreaterThan(3);
      const problems: string[] = [];
      for (const fault of faultsOf(calls, new Random(seed))) {
        const found = await tryFault(scenario, fault);
        const where = `${fault.error} ${fault.forEver ? "from" : "at"} call ${fault.at} (${calls[fault.at]})`;
        problems.push(...found.map((problem) => `${where}: ${problem}`));
        if (problems.length > 5) break;
      }
      expect(problems).toEqual([]);
    });
  }
});
