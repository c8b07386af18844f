import { digestOf } from "../../../src/oci/digest.ts";
import { RegistryError } from "../../../src/oci/errors.ts";
import { type Fixture, image, index } from "../../support/image.ts";
import { randomBytes } from "../../support/oci.ts";
import {
  beginUpload,
  cancelNoted,
  finishNoted,
  follow,
  mount,
  pushBytes,
  pushImage,
  pushWrong,
  put,
  remove,
  restart,
  save,
  together,
  unlink,
  untag,
} from "./ops.ts";
import type { Op } from "./world.ts";
import { collections } from "./gc-scenarios.ts";
import { newDatabase } from "./simulated-metadata.ts";

/** A short course of events. What `given` does is there before anything is cut. */
export interface Scenario {
  readonly name: string;
  readonly given: readonly Op[];
  readonly ops: readonly Op[];
  /** In the end, when all that nobody needs was collected and freed, no byte is left that nobody knows. */
  readonly collects?: true;
}

/** More than what goes into a transaction, in several pieces and sectors. */
const LARGE = 20_000;
const SMALL = 700;

function large(): Uint8Array<ArrayBuffer> {
  return randomBytes(LARGE);
}

function app(): Fixture {
  return image({ layers: 1, size: LARGE });
}

const WEEK = 7 * 24 * 3600 * 1000;
const expire: Op = {
  name: "expire",
  effects: [],
  async run(world) {
    world.pass(WEEK + 1);
    await world.registry.uploads.expire(world.now());
  },
};

/** `wharfinger/` was removed while nothing ran: the next start reads the tree. */
const forget: Op = {
  name: "start without a database",
  effects: [],
  starts: true,
  async run(world) {
    const before = world.warnings.length;
    await world.restart(newDatabase());
    // It serves what it could read, says so, and reads again at the next start: that is what comes here.
    const said = world.warnings.slice(before);
    if (said.length > 0) throw new RegistryError("UNAVAILABLE", { reason: said.join("; ") });
  },
};

/** New images each time, so that nothing is there by accident. */
export function scenarios(): Scenario[] {
  const one = app();
  const two = app();
  const [layer, other] = [large(), large()];
  const small = randomBytes(SMALL);
  const multi = index([image({ layers: 1, size: SMALL }), image({ layers: 1, size: SMALL })]);
  const signed = image({ artifactType: "application/x-signature", subject: one.descriptor });
  const there = [...pushImage("a", one, "v1"), follow];
  const parts = one.blobs.map(({ bytes }) => pushBytes("a", bytes));

  const list: Scenario[] = [
    { name: "a blob in one request", given: [], ops: [pushBytes("a", layer)] },
    { name: "a blob in chunks", given: [], ops: [pushBytes("a", layer, { requests: 4 })] },
    { name: "a small blob", given: [], ops: [pushBytes("a", small), follow] },
    {
      name: "a blob that outgrows memory",
      given: [],
      ops: [pushBytes("a", layer.slice(0, 18_000), { requests: 2 })],
    },
    {
      name: "a blob with another algorithm",
      given: [],
      ops: [pushBytes("a", layer, { sha512: true }), follow],
    },
    {
      name: "a blob that another repository has",
      given: [pushBytes("b", layer)],
      ops: [pushBytes("a", layer), follow],
    },
    {
      name: "an upload resumed after a restart",
      given: [],
      ops: [
        beginUpload("a", layer.slice(0, 9000), "u"),
        save,
        restart,
        finishNoted("a", layer, "u"),
      ],
    },
    {
      name: "a large upload resumed after a restart",
      given: [],
      ops: [beginUpload("a", layer, "u"), save, restart, finishNoted("a", layer, "u"), follow],
    },
    {
      name: "an upload that its client left and took up again",
      given: [],
      ops: [
        beginUpload("a", layer.slice(0, 18_000), "u", true),
        save,
        finishNoted("a", layer, "u"),
        pushBytes("a", small),
      ],
    },
    {
      name: "a saved upload of what another repository has",
      given: [pushBytes("b", layer)],
      ops: [beginUpload("a", layer, "u"), save, finishNoted("a", layer, "u"), follow],
    },
    {
      name: "an upload that expires",
      given: [pushBytes("a", small)],
      ops: [beginUpload("a", layer, "u"), save, expire, restart],
    },
    {
      name: "an upload that is cancelled, and one that is wrong",
      given: [],
      ops: [
        beginUpload("a", layer, "u"),
        save,
        cancelNoted("a", "u"),
        pushWrong("a", other, digestOf(layer)),
      ],
    },
    {
      name: "a mount",
      given: [pushBytes("b", layer), pushBytes("b", small)],
      ops: [mount("b", "a", layer), mount("b", "a", small), follow],
    },
    { name: "a manifest by tag", given: parts, ops: [put("a", one, "v1"), follow] },
    { name: "a manifest by digest", given: parts, ops: [put("a", one, null), follow] },
    {
      name: "a manifest with several tags",
      given: parts,
      ops: [put("a", one, "v1", ["v1.0", "latest"]), follow],
    },
    { name: "a whole image", given: [], ops: [...pushImage("a", one, "v1"), follow] },
    { name: "an index", given: [], ops: [...pushImage("a", multi, "v1"), follow] },
    {
      name: "a referrer",
      given: there,
      ops: [...pushImage("a", signed, null), follow, remove("a", signed), follow],
    },
    {
      name: "a tag that moves",
      given: [...there, ...pushImage("a", two, null)],
      ops: [put("a", two, "v1"), follow, put("a", one, "v1"), put("a", two, "v1"), follow],
    },
    {
      name: "a tag that is removed",
      given: there,
      ops: [untag("a", "v1"), follow, put("a", one, "v1"), follow],
    },
    {
      name: "a tag that is removed and set again at once",
      given: [...there, ...pushImage("a", two, "v2")],
      ops: [untag("a", "v1"), put("a", two, "v1"), follow],
    },
    {
      name: "a manifest that is removed",
      given: [...there, put("a", one, "v2"), follow],
      ops: [remove("a", one, "v1", "v2"), follow, put("a", one, "v3"), follow],
    },
    {
      name: "a blob that is removed and pushed again",
      given: [pushBytes("a", layer), pushBytes("a", small), follow],
      ops: [unlink("a", layer), unlink("a", small), follow, pushBytes("a", layer), follow],
    },
    {
      name: "an image that goes with all its parts",
      given: there,
      ops: [remove("a", one, "v1"), ...one.blobs.map(({ bytes }) => unlink("a", bytes)), follow],
    },
    {
      name: "a start with a journal",
      given: [...pushImage("a", one, "v1"), ...pushImage("b", two, "v1")],
      ops: [restart, untag("b", "v1"), put("b", two, "v2"), restart],
    },
    {
      name: "following, again and again",
      given: [],
      ops: [
        ...pushImage("a", one, "v1").flatMap((op) => [op, follow]),
        untag("a", "v1"),
        follow,
        restart,
      ],
    },
    {
      name: "the first read of a tree",
      given: [...there, ...pushImage("b/c", two, "v1"), ...pushImage("b", multi, "m"), follow],
      ops: [forget, put("b/c", two, "v2"), follow],
    },
    {
      name: "several clients at once",
      given: pushImage("a", one, "v1"),
      ops: [
        together(pushBytes("b", layer), pushBytes("c", layer), put("a", one, "v2")),
        together(follow, pushBytes("b", other), untag("a", "v1")),
        together(pushBytes("c", small), pushBytes("b", small), follow),
      ],
    },
  ];
  return [...list, ...collections()];
}

/** All that a scenario speaks of. */
export function* effectsOf(scenario: Scenario): Iterable<Op["effects"]> {
  for (const op of [...scenario.given, ...scenario.ops]) {
    for (const one of [op, ...(op.together ?? [])]) {
      yield one.effects;
      yield* one.parts ?? [];
    }
  }
}
