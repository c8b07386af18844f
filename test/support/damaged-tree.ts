import { expect } from "bun:test";
import type { TrashRecord } from "../../src/metadata/collection.ts";
import { openForPlan, openRepairable } from "../../src/gc/open-repairable.ts";
import { type RepairEvent, repairRegistry } from "../../src/gc/repair.ts";
import type { RepairSource, Wanted } from "../../src/gc/repair-source.ts";
import { type Digest, parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { openRegistry } from "../../src/registry/open.ts";
import { blobPath, trashPath } from "../../src/storage/tree.ts";
import { checkFolder } from "./clean.ts";
import { type Folder, temporaryFolder } from "./folder.ts";
import { type Fixture, image, index } from "./image.ts";
import { type Tree, newTreeIn } from "./stored-tree.ts";

/** A registry's folder that tests damage and repair: one at a time, for the tests of one file. */
export const APP = parseName("team/app");
export const OTHER = parseName("other");
export const T = parseTag("1");

let folder: Folder;
export let data: string;
export let tree: Tree;
export let one: Fixture;
export let multi: Fixture;

export const layerOf = (fixture: Fixture): Digest =>
  parseDigest(fixture.blobs[1]!.descriptor.digest);
export const digestOf = (fixture: Fixture): Digest => parseDigest(fixture.digest);
const bytesOf = (digest: Digest): Uint8Array => {
  const all = [one, multi, ...multi.children];
  const manifest = all.find((fixture) => fixture.digest === digest);
  const blobs = all.flatMap((fixture) => fixture.blobs);
  return (
    manifest?.bytes ??
    (blobs.find(({ descriptor }) => descriptor.digest === digest)?.bytes as Uint8Array)
  );
};

/** Makes a tree with two images under three tags, in a folder of its own. */
export async function begin(): Promise<void> {
  folder = await temporaryFolder();
  data = folder.at("data");
  tree = newTreeIn(data);
  one = image({ layers: 2 });
  multi = index([image(), image()]);
  await tree.put(APP, one, "1", "latest");
  await tree.put(APP, multi, "multi");
}

export async function end(): Promise<void> {
  await folder[Symbol.asyncDispose]();
}

/** Our registry has had the folder open, and is stopped. */
export async function serveOnce(): Promise<void> {
  const rules = { delete: true, sparse: false, maxManifestSize: 8 * 1024 * 1024 };
  const read = Promise.withResolvers<void>();
  const events = {
    reading: () => undefined,
    read: () => read.resolve(),
    info: () => undefined,
    warn: () => undefined,
  };
  const open = await openRegistry(data, rules, events);
  await read.promise;
  await open.registry.metadata.listRepositories({ last: null, limit: 1 });
  while ((await open.registry.metadata.getSetting("tree-read")) === null) await Bun.sleep(5);
  await open.close();
}

interface Outcome {
  readonly steps: readonly Extract<RepairEvent, { step: unknown }>["step"][];
  readonly left: readonly Extract<RepairEvent, { left: unknown }>["left"][];
}

export async function run(
  options: { dryRun?: boolean; source?: RepairSource } = {},
): Promise<Outcome> {
  const { dryRun = false, source = null } = options;
  await using open = dryRun ? await openForPlan(data) : await openRepairable(data);
  const steps: Outcome["steps"][number][] = [];
  const left: Outcome["left"][number][] = [];
  const all = { verifyBytes: true, sparse: false, settle: null, dryRun, source };
  for await (const event of repairRegistry(open.what, all)) {
    if ("step" in event) steps.push(event.step);
    if ("left" in event) left.push(event.left);
  }
  return { steps, left };
}

export const found = async () => (await checkFolder(data)).findings;

/** Asserts that there is damage, that it is repaired, and that nothing is left of it. */
export async function expectRepaired(options: { source?: RepairSource } = {}): Promise<Outcome> {
  expect(await found()).not.toEqual([]);
  const planned = await run({ ...options, dryRun: true });
  expect(planned.steps.filter(({ result }) => result === "planned")).not.toEqual([]);
  expect(await found()).not.toEqual([]);
  const outcome = await run(options);
  expect(outcome.left).toEqual([]);
  expect(await found()).toEqual([]);
  expect((await run()).steps).toEqual([]);
  return outcome;
}

export async function inTrash(): Promise<TrashRecord[]> {
  await using open = await openRepairable(data);
  return (await open.what.trash?.listTrash({ limit: 100 })) ?? [];
}

/** Has everything, and says so truthfully. */
export const honest: RepairSource = {
  name: "https://source.example",
  has: async () => true,
  async open({ digest }: Wanted) {
    const bytes = bytesOf(digest) as Uint8Array<ArrayBuffer> | undefined;
    return bytes ? new Blob([bytes]).stream() : null;
  },
};

/** Puts bytes into the trash, as a collection does. */
export async function toTrash(digest: Digest): Promise<void> {
  await using open = await openRepairable(data);
  const { trash, storage } = open.what;
  const [id] = await trash!.addTrash([
    {
      run: null,
      kind: "blob",
      repository: null,
      tag: null,
      digest,
      size: bytesOf(digest).length,
      mediaType: null,
      bytes: null,
      madeAt: 1,
      removedAt: 2,
      reason: "collected",
      removedBy: null,
    },
  ]);
  await storage.move(blobPath(digest), trashPath(id!));
}

export const spoil = async (digest: Digest): Promise<void> => {
  const size = bytesOf(digest).length;
  await tree.write(blobPath(digest), new Uint8Array(size).fill(7));
};
export const lose = async (digest: Digest): Promise<void> =>
  await tree.storage.delete(blobPath(digest));
