import { RegistryError } from "../../../src/oci/errors.ts";
import { asRegistryError } from "../../../src/http/reply.ts";
import { DAMAGES, afterCrash } from "./damage.ts";
import { Random } from "../../support/random.ts";
import { type Scenario, effectsOf } from "./scenarios.ts";
import { systemError } from "./simulated-disk.ts";
import { type Universe, broken, treeDiffers, universeOf } from "./verify.ts";
import { type Op, World } from "./world.ts";

export const ERRORS = ["EIO", "ENOSPC", "EMFILE", "EACCES", "EROFS", "short"] as const;

/** One call, counted from 0, that fails: once, or it and all that come after. */
export interface Fault {
  readonly at: number;
  readonly error: (typeof ERRORS)[number];
  readonly forEver: boolean;
}

/** What an error of the disk may become for a client: no bug of ours, and nothing about the request. */
const CLEAN = new Set(["STORAGE_FULL", "UNAVAILABLE", "WRITES_STOPPED"]);

/** The names of all calls that a scenario makes, in their order. */
export async function callsOf(scenario: Scenario): Promise<string[]> {
  const calls: string[] = [];
  let counting = false;
  using world = await World.start(null, {
    call: (call) => void (counting && calls.push(call)),
  });
  for (const op of scenario.given) await world.perform(op);
  counting = true;
  for (const op of scenario.ops) await world.perform(op);
  return calls;
}

/**
 * Runs a scenario on a disk with a fault. Each step that fails must fail cleanly and change nothing;
 * when the disk is well again, and the registry restarted if it stopped, it must succeed. In the end
 * there is a power cut. Returns what was not so.
 */
export async function tryFault(scenario: Scenario, fault: Fault): Promise<string[]> {
  const universe = universeOf(effectsOf(scenario), scenario.collects);
  let calls = -1;
  let state: "not yet" | "ill" | "well" = "not yet";
  using world = await World.start(null, {
    call(call, path) {
      if (state !== "ill") return;
      calls++;
      if (calls < fault.at || (calls > fault.at && !fault.forEver)) return;
      if (fault.error === "short") return "short";
      throw systemError(fault.error, { name: call, path });
    },
  });
  for (const op of scenario.given) await world.perform(op);
  state = "ill";
  const problems: string[] = [];
  const steps = scenario.ops.flatMap((op) => op.together ?? [op]);
  for (const op of steps) {
    const failure = await attempt(world, op);
    if (failure === null) continue;
    problems.push(...unclean(op, failure));
    state = "well";
    // A registry that has stopped says so to everyone, until it is started again.
    if (world.stopped) problems.push(...(await refuses(world, steps)));
    if (!op.starts) {
      const found = await broken(world, world.acknowledged, op.parts ?? [], universe);
      problems.push(...found.filter(notLeftOver));
    }
    if (world.stopped) await world.restart();
    const again = await attempt(world, op);
    if (again !== null) problems.push(`${op.name}, again: ${describe(again)}`);
  }
  state = "well";
  if (world.stopped) await world.restart();
  problems.push(...(await treeDiffers(world, universe)));
  problems.push(...(await afterPowerCut(world, universe)));
  return problems;
}

/** Null when it succeeded. */
async function attempt(world: World, op: Op): Promise<unknown> {
  return await world.perform(op).then(
    () => null,
    (error: unknown) => error ?? new Error("nothing"),
  );
}

function unclean(op: Op, error: unknown): string[] {
  const { kind } = asRegistryError(error);
  return CLEAN.has(kind) ? [] : [`${op.name}: ${kind}: ${describe(error)}`];
}

async function refuses(world: World, steps: readonly Op[]): Promise<string[]> {
  const change = steps.find(({ effects }) => effects.length > 0);
  if (!change) return [];
  const failure = await attempt(world, change);
  return failure instanceof RegistryError ? [] : [`${change.name} was taken after a failed sync`];
}

/** Bytes that a broken disk did not let go of are taken away by the next start. */
function notLeftOver(problem: string): boolean {
  return !problem.startsWith("left over");
}

async function afterPowerCut(world: World, universe: Universe): Promise<string[]> {
  const found = world.moment("the end");
  const [lost] = DAMAGES;
  if (!lost) throw new Error("there are no damages");
  const disk = afterCrash(found.disk, lost, new Random(0));
  using after = await World.start({ ...found, disk });
  return [
    ...(await broken(after, found.acknowledged, [], universe)),
    ...(await treeDiffers(after, universe)),
  ].map((problem) => `after a power cut: ${problem}`);
}

function describe(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const because = cause instanceof Error ? `: ${cause.message}` : "";
  return (error instanceof Error ? (error.stack ?? error.message) : String(error)) + because;
}
