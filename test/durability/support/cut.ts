import { DAMAGES, type Damage, afterCrash } from "./damage.ts";
import { type DiskState, filesOf } from "./disk-state.ts";
import type { Random } from "./random.ts";
import { type Scenario, effectsOf } from "./scenarios.ts";
import { type Universe, broken, treeDiffers, universeOf } from "./verify.ts";
import { type Moment, World } from "./world.ts";

/** How much of everything that could be tried is tried. */
export interface Effort {
  /** Damages that are tried at each moment; the first two of the list always are. */
  readonly damages: number;
  /** Of how many moments' recoveries one is cut again. */
  readonly recutEvery: number;
}

export interface Tried {
  moments: number;
  crashes: number;
  recuts: number;
  readonly failures: string[];
}

/** Runs a scenario, and tries a crash at each of its moments. */
export async function tryEveryCut(
  scenario: Scenario,
  random: Random,
  effort: Effort,
): Promise<Tried> {
  const tried: Tried = { moments: 0, crashes: 0, recuts: 0, failures: [] };
  const universe = universeOf(effectsOf(scenario));
  const moments = await momentsOf(scenario);
  tried.moments = moments.length;
  const seen = new Set<string>();
  for (const [at, moment] of moments.entries()) {
    for (const damage of choose(random, effort.damages)) {
      const disk = afterCrash(moment.disk, damage, random);
      const signature = signatureOf(disk, moment);
      if (seen.has(signature)) continue;
      seen.add(signature);
      tried.crashes++;
      const where = `${scenario.name}, at ${at} (before ${moment.label}), ${damage.name}`;
      await check({ ...moment, disk }, universe, where, tried);
      if (tried.crashes % effort.recutEvery === 0) {
        await recut({ ...moment, disk }, universe, where, random, tried);
      }
    }
    if (tried.failures.length > 3) break;
  }
  return tried;
}

async function momentsOf(scenario: Scenario): Promise<Moment[]> {
  const moments: Moment[] = [];
  let cutting = false;
  using world = await World.start(null, {
    moment: (take) => {
      if (cutting) moments.push(take());
    },
  });
  for (const op of scenario.given) await world.perform(op);
  cutting = true;
  for (const op of scenario.ops) await world.perform(op);
  moments.push(world.moment("the end"));
  return moments;
}

/** The registry starts with what the crash has left, keeps its promises, and its tree comes to say the same. */
async function check(
  found: Moment,
  universe: Universe,
  where: string,
  tried: Tried,
): Promise<void> {
  try {
    using world = await World.start(found);
    const problems = [
      ...world.warnings,
      ...(await broken(world, found.acknowledged, found.underWay, universe)),
      ...(await treeDiffers(world, universe)),
    ];
    for (const problem of problems) tried.failures.push(`${where}: ${problem}`);
  } catch (error) {
    tried.failures.push(`${where}: ${(error as Error).stack ?? String(error)}`);
  }
}

/** Crashes again at each moment of the recovery from a crash. */
async function recut(
  found: Moment,
  universe: Universe,
  where: string,
  random: Random,
  tried: Tried,
): Promise<void> {
  const moments: Moment[] = [];
  using world = await World.start(found, { moment: (take) => void moments.push(take()) });
  await world.follow();
  for (const moment of moments) {
    const damage = random.pick(DAMAGES);
    tried.recuts++;
    const disk = afterCrash(moment.disk, damage, random);
    const again = { ...moment, disk, underWay: found.underWay };
    await check(again, universe, `${where}, then before ${moment.label}, ${damage.name}`, tried);
  }
}

function choose(random: Random, count: number): Damage[] {
  const [first, second, ...others] = DAMAGES;
  if (!first || !second) throw new Error("there are no damages");
  const chosen = [first, second];
  while (chosen.length < Math.min(count, DAMAGES.length)) {
    chosen.push(...others.splice(random.below(others.length), 1));
  }
  return chosen;
}

/** The same for crashes that leave the same, with the same promises given. */
function signatureOf(disk: DiskState, { database, acknowledged, underWay }: Moment): string {
  let hash = Bun.hash(database);
  for (const [path, bytes] of filesOf(disk)) hash = Bun.hash(bytes, Bun.hash(path, hash));
  const promises = JSON.stringify([[...acknowledged], underWay]);
  return `${hash} ${Bun.hash(promises)}`;
}
