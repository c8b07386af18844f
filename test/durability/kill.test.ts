import { expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { killLoop } from "./support/kill-loop.ts";
import { Random } from "../support/random.ts";
import { seedOfRun } from "./support/seed.ts";

setDefaultTimeout(300_000);

const seed = seedOfRun();
const KILLS = 10;

test(`ten kills at random moments cost nothing that was acknowledged (DURABILITY_SEED=${seed})`, async () => {
  await using folder = await temporaryFolder();
  const report = await killLoop(folder.at("data"), KILLS, new Random(seed));
  expect(report.problems).toEqual([]);
  expect(report.kills).toBe(KILLS);
  expect(report.answered).toBeGreaterThan(KILLS);
});
