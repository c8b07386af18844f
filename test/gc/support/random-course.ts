import fc from "fast-check";
import { RegistryError } from "../../../src/oci/errors.ts";
import { isDigest } from "../../../src/oci/digest.ts";
import { DAMAGES, afterCrash } from "../../durability/support/damage.ts";
import { collectIn, leftForEver, purge } from "../../durability/support/gc-ops.ts";
import {
  follow,
  mount,
  pushBytes,
  pushImage,
  remove,
  unlink,
  untag,
} from "../../durability/support/ops.ts";
import { type Universe, damaged, show } from "../../durability/support/verify.ts";
import { type Hooks, type Moment, type Op, World } from "../../durability/support/world.ts";
import { type Fixture, image, index } from "../../support/image.ts";
import { Random } from "../../support/random.ts";
import { type Blob, blob, mediaTypes } from "../../support/oci.ts";
import { imageOf } from "./documents.ts";
import { GarbageModel } from "./garbage-model.ts";

const HOUR = 3600 * 1000;

/** One thing that somebody does. */
export type Step =
  | { readonly do: "push"; readonly to: number; readonly what: number; readonly tag: number | null }
  | { readonly do: "layer"; readonly to: number; readonly what: number }
  | { readonly do: "mount"; readonly to: number; readonly what: number }
  | { readonly do: "untag"; readonly to: number; readonly tag: number }
  | { readonly do: "remove"; readonly to: number; readonly what: number }
  | { readonly do: "unlink"; readonly to: number; readonly what: number }
  | { readonly do: "pass"; readonly hours: number }
  | { readonly do: "collect" | "follow" | "purge" | "restart" };

/** Done while something else goes on, or cut off by a crash at a moment. */
export interface Event {
  readonly step: Step;
  readonly meanwhile: "collect" | "follow" | "purge" | null;
  /** So many turns later it begins than the step; or earlier, when negative. */
  readonly lag: number;
  readonly crash: { readonly at: number; readonly damage: number } | null;
}

const REPOSITORIES = ["a", "b", "b/c"];
const TAGS = ["v1", "v2"];

const { layers, things, known } = content();

/** Few things, so that they meet: images that share layers, an index over some, and what refers to others. */
function content() {
  const random = new Random(5);
  const make = (size: number): Blob => blob(mediaTypes.layer, random.bytes(size));
  const shared = [make(300), make(600), make(18_000), make(20_000)];
  const [small, other, large, big] = shared as [Blob, Blob, Blob, Blob];
  const config = (size: number): Blob => make(size);
  const images = [
    imageOf({ config: config(90), layers: [small, large] }),
    imageOf({ config: config(91), layers: [other, large] }),
    imageOf({ config: config(92), layers: [small, big] }),
    imageOf({ config: config(93), layers: [other] }),
  ];
  const [first, two, three] = images as [Fixture, Fixture, Fixture];
  const both = index([first, two]);
  const bill = image({ subject: first.descriptor, artifactType: "application/x-bill", layers: 0 });
  const signature = imageOf(
    { config: config(94), layers: [small] },
    { subject: { ...bill.descriptor } },
  );
  const other2 = index([two, three], { subject: both.descriptor });
  const all = [...images, both, bill, signature, other2];
  return {
    layers: shared,
    things: all,
    known: new Map(all.map((one) => [one.digest, one])),
  };
}

const universe: Universe = {
  digests: [
    ...known.keys(),
    ...things.flatMap(({ blobs }) => blobs.map(({ descriptor }) => descriptor.digest)),
    ...layers.map(({ descriptor }) => descriptor.digest),
  ].filter(isDigest),
  collects: true,
};

const to = fc.nat(REPOSITORIES.length - 1);
const thing = fc.nat(things.length - 1);
const layer = fc.nat(layers.length - 1);
const tag = fc.nat(TAGS.length - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      to,
      what: thing,
      tag: fc.option(tag),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("layer" as const), to, what: layer }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("mount" as const), to, what: layer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("untag" as const), to, tag }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), to, what: thing }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("unlink" as const), to, what: layer }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pass" as const), hours: fc.constantFrom(2, 30, 60) }),
  },
  { weight: 5, arbitrary: fc.constant<Step>({ do: "collect" }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>({ do: "follow" }, { do: "purge" }, { do: "restart" }),
  },
);

const crash = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.record({ at: fc.nat(60), damage: fc.nat(DAMAGES.length - 1) }),
  },
);
const meanwhile = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("collect" as const, "follow" as const, "purge" as const),
  },
);
const lag = fc.nat(400);
const anything: fc.Arbitrary<Event[]> = fc
  .record({ step: steps, meanwhile, lag, crash })
  .map((event) => [event]);

/** Something goes, and is wanted again in just that moment: by chance alone that would be rare. */
const races: fc.Arbitrary<Event[]> = fc
  .record({
    to,
    other: to,
    what: thing,
    part: layer,
    as: fc.nat(2),
    late: fc.boolean(),
    lag,
    crash,
  })
  .map(({ to: at, other, what, part, as, late, lag: wait, crash: cut }): Event[] => {
    const alone = { meanwhile: null, lag: 0, crash: null };
    const again: Step[] = [
      { do: "push", to: other, what, tag: 0 },
      { do: "layer", to: other, what: part },
      { do: "mount", to: other, what: part },
    ];
    const step = again[as] ?? { do: "follow" };
    return [
      { step: { do: "push", to: at, what, tag: null }, ...alone },
      { step: { do: "layer", to: at, what: part }, ...alone },
      { step: { do: "pass", hours: 60 }, ...alone },
      { step, meanwhile: "collect", lag: late ? wait : -wait, crash: cut },
    ];
  });

/** Courses of events. */
export const courses: fc.Arbitrary<Event[]> = fc
  .array(fc.oneof({ weight: 4, arbitrary: anything }, { weight: 1, arbitrary: races }), {
    minLength: 2,
    maxLength: 18,
    size: "max",
  })
  .map((chunks) => chunks.flat());

/** Plays a course; returns what was lost, or was left. */
export async function play(
  course: readonly Event[],
  hooks: Pick<Hooks, "custody"> = {},
): Promise<string[]> {
  const player = new Player(hooks);
  await player.start(null);
  try {
    await player.begin();
    for (const event of course) {
      await player.happen(event);
      const found = await player.wrong();
      if (found.length > 0) return [...found, `after ${JSON.stringify(event)}`];
    }
    return await player.wrongInTheEnd();
  } finally {
    player.world[Symbol.dispose]();
  }
}

class Player {
  world!: World;
  model = new GarbageModel(known);
  #countdown: number | null = null;
  #cut: Moment | null = null;

  constructor(readonly hooks: Pick<Hooks, "custody">) {}

  async start(found: Moment | null): Promise<void> {
    this.world?.[Symbol.dispose]();
    this.world = await World.start(found, {
      ...this.hooks,
      moment: (take) => {
        if (this.#countdown !== null && this.#countdown-- === 0) this.#cut = take();
      },
    });
  }

  /** Something that stays. Without any repository in it a tree is taken for one whose disk is not there. */
  async begin(): Promise<void> {
    const [stays] = things;
    if (!stays) throw new Error("there is nothing to push");
    for (const op of [...pushImage("stays", stays, "v1"), follow]) await op.run(this.world);
    this.model.pushed("stays", stays, "v1", this.world.now());
  }

  async happen({ step, meanwhile: other, lag: turns, crash: cut }: Event): Promise<void> {
    this.#countdown = cut?.at ?? null;
    this.#cut = null;
    const before = this.model.copy();
    const began = this.world.now();
    const work =
      other === null || step.do === "restart" || step.do === other
        ? [this.#do(step)]
        : [later(-turns, () => this.#do(step)), later(turns, () => this.#do({ do: other }))];
    const outcomes = await Promise.allSettled(work);
    this.#countdown = null;
    if (cut === null) {
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed) throw failed.reason;
      this.model.forgetIdle(before, began, await show(this.world.metadata, universe));
      return;
    }
    const found = this.#cut ?? this.world.moment("the end");
    const damage = DAMAGES[cut.damage] ?? DAMAGES[0];
    if (!damage) throw new Error("there are no damages");
    const whole = this.model;
    if (this.#cut) this.model = before;
    await this.start({ ...found, disk: afterCrash(found.disk, damage, new Random(cut.at)) });
    if (this.#cut) await this.#settle(step, before, whole);
    const shown = await show(this.world.metadata, universe);
    this.model.forgetIdle(before, began, shown);
    this.model.learn(shown);
  }

  /** What was under way is done or not done: who asked does not know, and looks. */
  async #settle(step: Step, before: GarbageModel, after: GarbageModel): Promise<void> {
    const shown = await show(this.world.metadata, universe);
    const name = "to" in step ? (REPOSITORIES[step.to] ?? "") : "";
    if (step.do === "push" || step.do === "untag") {
      const one = step.tag === null ? null : (TAGS[step.tag] ?? "");
      if (one === null) return;
      const found = shown.get(`tag ${name} ${one}`) ?? null;
      if (found === after.tag(name, one) && found !== before.tag(name, one)) this.model = after;
    } else if (step.do === "remove") {
      const digest = things[step.what]?.digest ?? "";
      if (!shown.has(`manifest ${name} ${digest}`)) this.model = after;
    } else if (step.do === "unlink") {
      const digest = layers[step.what]?.descriptor.digest ?? "";
      if (!shown.has(`blob ${name} ${digest}`)) this.model = after;
    }
  }

  async #do(step: Step): Promise<void> {
    const { world, model } = this;
    const now = world.now();
    switch (step.do) {
      case "push": {
        const [name, what] = [REPOSITORIES[step.to] ?? "", things[step.what]];
        const one = step.tag === null ? null : (TAGS[step.tag] ?? "");
        if (!what) return;
        for (const op of pushImage(name, what, one)) await op.run(world);
        return model.pushed(name, what, one, now);
      }
      case "layer": {
        const [name, what] = [REPOSITORIES[step.to] ?? "", layers[step.what]];
        if (!what) return;
        await pushBytes(name, what.bytes).run(world);
        return model.linked(name, what.descriptor.digest, now);
      }
      case "mount": {
        const [name, what] = [REPOSITORIES[step.to] ?? "", layers[step.what]];
        const from = REPOSITORIES[(step.to + 1) % REPOSITORIES.length] ?? "";
        if (!what || !(await done(world, mount(from, name, what.bytes)))) return;
        return model.linked(name, what.descriptor.digest, now);
      }
      case "untag": {
        const [name, one] = [REPOSITORIES[step.to] ?? "", TAGS[step.tag] ?? ""];
        if (await done(world, untag(name, one))) model.untagged(name, one, now);
        return;
      }
      case "remove": {
        const [name, what] = [REPOSITORIES[step.to] ?? "", things[step.what]];
        if (what && (await done(world, remove(name, what)))) model.removed(name, what.digest);
        return;
      }
      case "unlink": {
        const [name, what] = [REPOSITORIES[step.to] ?? "", layers[step.what]];
        if (what && (await done(world, unlink(name, what.bytes)))) {
          model.unlinked(name, what.descriptor.digest);
        }
        return;
      }
      case "pass":
        return world.pass(step.hours * HOUR);
      case "collect":
        return await collectIn(world, { walk: false });
      case "follow":
        return await follow.run(world);
      case "purge":
        return await purge.run(world);
      case "restart":
        return await world.restart();
    }
  }

  /** What must be there and is not, or is there and cannot be pulled. */
  async wrong(): Promise<string[]> {
    const shown = await show(this.world.metadata, universe);
    const live = this.model.live(this.world.now());
    const missing = [...live].filter(([key, value]) => shown.get(key) !== value);
    this.model.forget(shown);
    return [
      ...missing.map(([key, value]) => `missing: ${key} ${value}`),
      ...(await damaged(this.world, shown)),
      ...this.world.warnings,
    ];
  }

  /** With the grace over, what is left must be exactly what is needed: rows, and files. */
  async wrongInTheEnd(): Promise<string[]> {
    const { world, model } = this;
    const left = await leftForEver(world, universe);
    const shown = await show(world.metadata, universe);
    const live = model.live(world.now());
    return [
      ...left,
      ...[...shown].filter(([key]) => !live.has(key)).map(([key]) => `left in the end: ${key}`),
      ...[...live].filter(([key]) => !shown.has(key)).map(([key]) => `missing in the end: ${key}`),
    ];
  }
}

/** Begins after so many turns of the queue of promises: nothing on a simulated disk waits for more. */
async function later(turns: number, work: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  await work();
}

/** Whether it was done; what is refused with good reason is not. */
async function done(world: World, op: Op): Promise<boolean> {
  try {
    await op.run(world);
    return true;
  } catch (error) {
    const refused =
      error instanceof RegistryError
        ? ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN", "STILL_NEEDED"].includes(error.kind)
        : (error as Error).message === "there was nothing to mount";
    if (!refused) throw error;
    return false;
  }
}
