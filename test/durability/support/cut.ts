import { appendChunk } from "../../../src/registry/uploads.ts";
import { DAMAGES, type Damage, afterCrash, systemLives } from "./damage.ts";
import { type DiskState, filesOf } from "./disk-state.ts";
import { UNSAID, inPieces } from "./ops.ts";
import { leftForEver } from "./gc-ops.ts";
import type { Random } from "../../support/random.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import { type Scenario, effectsOf } from "./scenarios.ts";
import { type Universe, broken, treeDiffers, universeOf } from "./verify.ts";
import { type Moment, World } from "./world.ts";

/** How much of everything that could be tried is tried. */
export interface Effort {
  /** Damages that are tried at each moment. */
  readonly damages: number;
  /** Of how many crashes the recovery of one is cut again. */
  readonly recutEvery: number;
  /** A disk that lies: the promises must be seen to break. */
  readonly lies?: SimulatedDisk["lies"];
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
  const universe = universeOf(effectsOf(scenario), scenario.collects);
  const moments = await momentsOf(scenario, effort.lies ?? null);
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
      const often = systemLives(damage) ? 5 : 1;
      if ((tried.crashes * often) % effort.recutEvery < often) {
        await recut({ ...moment, disk }, universe, where, random, tried);
      }
    }
    if (tried.failures.length > 3) break;
  }
  return tried;
}

async function momentsOf(scenario: Scenario, lies: SimulatedDisk["lies"]): Promise<Moment[]> {
  const moments: Moment[] = [];
  let cutting = false;
  using world = await World.start(null, {
    moment: (take) => {
      if (cutting) moments.push(take());
    },
  });
  for (const op of scenario.given) await world.perform(op);
  world.disk.lies = lies;
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
      ...(await resumed(world, found, universe)),
      ...(universe.collects ? await leftForEver(world, universe) : []),
    ];
    for (const problem of problems) tried.failures.push(`${where}: ${problem}`);
  } catch (error) {
    tried.failures.push(`${where}: ${(error as Error).stack ?? String(error)}`);
  }
}

/** What breaks when clients go on with the uploads that are there: nothing but those may change. */
async function resumed(world: World, found: Moment, universe: Universe): Promise<string[]> {
  const { registry } = world;
  const uploads = await registry.metadata.listUploads();
  if (uploads.length === 0) return [];
  for (const { id, name } of uploads) {
    const session = registry.uploads.find(name, id);
    await appendChunk(session, inPieces(new Uint8Array(100)), UNSAID, registry);
  }
  return await broken(world, found.acknowledged, found.underWay, universe);
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
  moments.push(world.moment("the end"));
  for (const moment of moments) {
    const damage = random.pick(DAMAGES);
    tried.recuts++;
    const disk = afterCrash(moment.disk, damage, random);
    const again = { ...moment, disk, underWay: found.underWay };
    await check(again, universe, `${where}, then before ${moment.label}, ${damage.name}`, tried);
  }
}

function choose(random: Random, count: number): Damage[] {
  const left = [...DAMAGES];
  while (left.length > count) left.splice(random.below(left.length), 1);
  return left;
}

/** The same for crashes that leave the same, with the same promises given. */
function signatureOf(disk: DiskState, { database, acknowledged, underWay }: Moment): string {
  let hash = Bun.hash(database);
  // Two names of one file are not two files that are alike.
  const first = new Map<number, string>();
  for (const [path, bytes, id] of filesOf(disk)) {
    hash = Bun.hash(bytes, Bun.hash(`${path} ${first.get(id) ?? ""}`, hash));
    first.set(id, path);
  }
  const promises = JSON.stringify([[...acknowledged], underWay]);
  return `${hash} ${Bun.hash(promises)}`;
}
