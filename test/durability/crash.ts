import { parseArgs } from "node:util";
import { temporaryFolder } from "../support/folder.ts";
import { killLoop } from "./support/kill-loop.ts";
import { Random } from "../support/random.ts";
import { seedOfRun } from "./support/seed.ts";

/**
 * `npm run crash -- --kills 500 --seed 7`: the long form of kill.test.ts. With `--thorough`, the simulated
 * disk tries every damage and every error, and tags are looked at for longer; that takes an hour.
 */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "500" },
    seed: { type: "string", default: String(seedOfRun()) },
    thorough: { type: "boolean", default: false },
  },
});
const { seed } = values;

if (values.thorough) {
  const files = ["crash-points", "disk-errors", "linearizable-tags"];
  const durability = files.map((name) => `test/durability/${name}.test.ts`);
  const tests = [...durability, "test/gc/every-moment.test.ts"];
  const suite = Bun.spawn([process.execPath, "test", "--timeout=7200000", ...tests], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, DURABILITY: "thorough", DURABILITY_SEED: seed },
  });
  process.exit(await suite.exited);
}

await using folder = await temporaryFolder();
const kills = Number(values.kills);
console.log(`${kills} kills with --seed ${seed}`);
const report = await killLoop(folder.at("data"), kills, new Random(Number(seed)), (so) => {
  if (so.kills % 25 === 0) console.log(`${so.kills} kills, ${so.answered} requests answered`);
});
for (const problem of report.problems) console.error(problem);
console.log(
  `${report.kills} kills, ${report.strangled} starts killed on their way, ${report.answered} requests answered, ` +
    `${report.unanswered} left without an answer, ${report.problems.length} problems (--seed ${seed})`,
);
process.exitCode = report.problems.length > 0 ? 1 : 0;
