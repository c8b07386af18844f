import { type RunParts, collectDue, removeBytes } from "../../../src/gc/collect-run.ts";
import { Pace } from "../../../src/gc/pace.ts";
import { newReport } from "../../../src/gc/run-report.ts";
import { emptyTrash } from "../../../src/gc/trash/empty.ts";
import { EVERYTHING, parseChoice } from "../../../src/gc/trash/names.ts";
import { registryPlace } from "../../../src/gc/trash/registry-place.ts";
import { restoreTrash } from "../../../src/gc/trash/restore.ts";
import { clearLeftovers } from "../../../src/gc/leftovers.ts";
import { doomOrphans, restoreNeeded } from "../../../src/gc/walk.ts";
import { parseDigest } from "../../../src/oci/digest.ts";
import { RegistryError } from "../../../src/oci/errors.ts";
import { BLOBS, TRASH, blobPath } from "../../../src/storage/tree.ts";
import type { Fixture } from "../../support/image.ts";
import { type Universe, show } from "./verify.ts";
import type { Effects, Op, World } from "./world.ts";

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;

/** What the collector does when it was asked to look for everything, step by step, and all at once. */
export async function collectIn(world: World, { walk = true } = {}): Promise<void> {
  const { registry } = world;
  const { metadata } = registry;
  const id = await metadata.startRun(world.now());
  const report = newReport(true);
  const parts: RunParts = {
    registry,
    drain: () => world.follow(),
    settings: {
      grace: HOUR,
      untaggedAfter: DAY,
      protectedDigests: [],
      emptyRepositories: true,
      pace: 1e9,
    },
    waitingUntil: null,
    inUse: null,
    pace: new Pace(
      () => 1e9,
      undefined,
      async () => await Promise.resolve(),
    ),
    mayNot: () => null,
    // Files on a simulated disk have no time.
    openSince: 1,
  };
  if (walk) await restoreNeeded(parts, report);
  await collectDue(id, parts, report, () => undefined);
  if (walk) {
    await clearLeftovers(id, parts, report);
    await doomOrphans(id, parts);
    await removeBytes(id, parts, report, new Set());
  }
  await metadata.endRun(id, world.now(), JSON.stringify(report));
}

/** `gone`: all that it takes away, each by itself. */
export function collect(...gone: readonly Effects[]): Op {
  return {
    name: "collect",
    effects: [],
    parts: gone,
    run: async (world) => await collectIn(world),
  };
}

export const age: Op = {
  name: "let a month pass",
  effects: [],
  run: async (world) => await Promise.resolve(world.pass(30 * DAY)),
};

/** What a collection takes of an image: its manifest, and each blob and its link. */
export function goneOf(repository: string, image: Fixture): Effects[] {
  return [
    [[`manifest ${repository} ${image.digest}`, null]],
    ...image.blobs.map(({ descriptor }): Effects => [
      [`blob ${repository} ${descriptor.digest}`, null],
    ]),
  ];
}

export function backOf(repository: string, image: Fixture, tag: string): Effects[] {
  return [
    [[`manifest ${repository} ${image.digest}`, ""]],
    [[`tag ${repository} ${tag}`, image.digest]],
    ...image.blobs.map(({ descriptor }): Effects => [
      [`blob ${repository} ${descriptor.digest}`, ""],
    ]),
  ];
}

/** Brings back all that is in the trash. `back`: what that is, each by itself. */
export function restoreAll(...back: readonly Effects[]): Op {
  return {
    name: "restore",
    effects: [],
    parts: back,
    async run({ registry }) {
      const place = registryPlace(registry, { sparse: false, by: null });
      for await (const event of restoreTrash(parseChoice([], null, true), place)) {
        if ("item" in event && event.item.outcome === "failed") {
          const { reason } = event.item;
          throw new RegistryError("TRASH_INCOMPLETE", { reason: reason ?? "something is lost" });
        }
      }
    },
  };
}

export const purge: Op = {
  name: "empty the trash",
  effects: [],
  async run({ registry }) {
    const { metadata: rows, storage } = registry;
    for await (const _ of emptyTrash(EVERYTHING, { rows, storage })) continue;
  },
};

/** What is left when all that nobody needs was collected and the trash is empty, and nobody knows it. */
export async function leftForEver(world: World, universe: Universe): Promise<string[]> {
  world.pass(30 * DAY);
  await collectIn(world);
  await collectIn(world);
  await purge.run(world);
  const { metadata, storage } = world.registry;
  const shown = await show(metadata, universe);
  const needed = new Set(
    [...shown].map(([key, value]) => blobPath(parseDigest(value || key.split(" ").at(-1) || ""))),
  );
  // What a crash leaves of a write that had not got its name yet is not taken for a blob by anybody.
  const files = (await filesIn(BLOBS, storage)).filter((path) => !path.includes("/.wharfinger-"));
  const trash = await Array.fromAsync(storage.list(TRASH));
  const claims = await metadata.listClaims();
  return [
    ...files.filter((path) => !needed.has(path)).map((path) => `left for ever: ${path}`),
    ...[...needed].filter((path) => !files.includes(path)).map((path) => `lost: ${path}`),
    ...trash.map(({ name }) => `left in the trash: ${name}`),
    ...claims.map(({ digest }) => `left claimed: ${digest}`),
  ];
}

async function filesIn(folder: string, storage: World["registry"]["storage"]): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, kind } of storage.list(folder)) {
    const path = `${folder}/${name}`;
    if (kind === "folder") found.push(...(await filesIn(path, storage)));
    else found.push(path);
  }
  return found;
}
