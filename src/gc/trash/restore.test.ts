import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Fixture, image, index } from "../../../test/support/image.ts";
import { type TrashWorld, trashWorld } from "../../../test/support/trash-world.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";
import { trashPath } from "../../storage/tree.ts";
import { parseChoice } from "./names.ts";
import { type RestoreItem, planRestore, restoreTrash } from "./restore.ts";

setDefaultTimeout(60_000);

const APP = "team/app";

async function restored(world: TrashWorld, ...names: string[]): Promise<RestoreItem[]> {
  const choice = parseChoice(names, null, names.length === 0);
  return await items(restoreTrash(choice, world.place));
}

async function items(events: ReturnType<typeof restoreTrash>): Promise<RestoreItem[]> {
  const all = await Array.fromAsync(events);
  expect(all.at(-1)).toContainKey("done");
  return all.flatMap((event) => ("item" in event ? [event.item] : []));
}

const told = (found: readonly RestoreItem[]): string[] =>
  found.map(({ outcome, repository, tag, digest }) =>
    [outcome, `${repository}${tag === null ? `@${digest}` : `:${tag}`}`].join(" "),
  );

/** What the trash has of bytes, in files. */
const files = async ({ data }: TrashWorld): Promise<string[]> =>
  await readdir(join(data, "wharfinger", "trash")).catch(() => []);

const tagOf = async (world: TrashWorld, tag: string): Promise<string | undefined> =>
  (await world.registry.metadata.findManifest(parseName(APP), parseTag(tag)))?.digest;

describe("a tag", () => {
  test("that was deleted comes back, and its row in the trash goes", async () => {
    await using world = await trashWorld();
    const one = image();
    await world.put(APP, one, "1.0", "latest");
    const before = await world.inventory();
    await world.untag(APP, "1.0");

    expect(told(await restored(world, `${APP}:1.0`))).toEqual(["restored team/app:1.0"]);

    expect(await world.inventory()).toEqual(before);
    expect(await world.registry.metadata.sumTrash()).toEqual({ entries: 0, bytes: 0 });
    await world.expectClean();
  });

  test("that was deleted, and whose image was collected, comes back with every byte", async () => {
    await using world = await trashWorld();
    const one = image({ layers: 3 });
    await world.put(APP, one, "1.0");
    const before = await world.inventory();
    await world.untag(APP, "1.0");
    await world.collect();
    expect(await world.inventory()).toEqual([]);

    const [item] = await restored(world, `${APP}:1.0`);

    const bytes = [one, ...one.blobs].reduce((sum, part) => sum + part.bytes.length, 0);
    expect(item).toMatchObject({ outcome: "restored", manifests: 1, blobs: 4, bytes });
    expect(await world.inventory()).toEqual(before);
    expect(await files(world)).toEqual([]);
    expect(await world.registry.metadata.sumTrash()).toEqual({ entries: 0, bytes: 0 });
    await world.restart();
    expect(await world.inventory()).toEqual(before);
    await world.expectClean();
  });

  test("that was moved is moved back, and can be moved forth again", async () => {
    await using world = await trashWorld();
    const [one, two] = [image(), image()];
    await world.put(APP, one, "1.0");
    await world.put(APP, two, "1.0");

    const [back] = await restored(world, `${APP}:1.0`);
    expect(back).toMatchObject({ outcome: "restored", digest: one.digest, movedFrom: two.digest });
    expect(await tagOf(world, "1.0")).toBe(one.digest);

    await restored(world, `${APP}:1.0`);
    expect(await tagOf(world, "1.0")).toBe(two.digest);
    await world.expectClean();
  });

  test("that was moved stays where it is when nobody names it", async () => {
    await using world = await trashWorld();
    const [one, two] = [image(), image()];
    await world.put(APP, one, "1.0");
    await world.put(APP, two, "1.0");

    for (const names of [[APP], []]) {
      expect(told(await restored(world, ...names))).toEqual(["kept team/app:1.0"]);
    }
    expect(await tagOf(world, "1.0")).toBe(two.digest);
  });

  test("that was deleted and pushed again stays as it is", async () => {
    await using world = await trashWorld();
    const [one, two] = [image(), image()];
    await world.put(APP, one, "1.0");
    await world.untag(APP, "1.0");
    await world.put(APP, two, "1.0");

    const [item] = await restored(world, `${APP}:1.0`);

    expect(item).toMatchObject({ outcome: "kept", error: "TRASH_KEPT" });
    expect(item?.reason).toContain(`names ${two.digest} now`);
    expect(await tagOf(world, "1.0")).toBe(two.digest);
  });

  test("that is pushed between the look at it and the restore stays as it is", async () => {
    await using world = await trashWorld();
    const [one, two] = [image(), image()];
    await world.put(APP, one, "1.0");
    await world.untag(APP, "1.0");
    const { place } = world;
    const late = {
      ...place,
      async retag(...parameters: Parameters<typeof place.retag>) {
        await world.put(APP, two, "1.0");
        return await place.retag(...parameters);
      },
    };

    const [item] = await items(restoreTrash(parseChoice([`${APP}:1.0`], null, false), late));

    expect(item).toMatchObject({ outcome: "kept", error: "TRASH_KEPT" });
    expect(await tagOf(world, "1.0")).toBe(two.digest);
    expect((await world.registry.metadata.sumTrash()).entries).toBe(1);
  });

  test("of several versions comes back as the newest removal, or as the one that is named", async () => {
    await using world = await trashWorld();
    const [one, two] = [image(), image()];
    for (const fixture of [one, two]) {
      await world.put(APP, fixture, "1.0");
      await world.untag(APP, "1.0");
    }

    expect(told(await restored(world, `${APP}:1.0@${one.digest}`))).toEqual([
      "restored team/app:1.0",
    ]);
    expect(await tagOf(world, "1.0")).toBe(one.digest);
    await world.untag(APP, "1.0");
    await world.put(APP, two, "1.0");
    await world.untag(APP, "1.0");
    await restored(world, `${APP}:1.0`);
    expect(await tagOf(world, "1.0")).toBe(two.digest);
  });

  test("that is here, and was never removed, is nothing to do and no error", async () => {
    await using world = await trashWorld();
    await world.put(APP, image(), "1.0");

    expect(told(await restored(world, `${APP}:1.0`))).toEqual(["here team/app:1.0"]);
  });

  test("that nobody knows is said to be unknown", async () => {
    await using world = await trashWorld();
    await world.put(APP, image(), "1.0");

    const found = await restored(world, `${APP}:2.0`, "other/app", `${APP}@${image().digest}`);

    expect(found.map(({ outcome, error }) => [outcome, error])).toEqual(
      Array.from({ length: 3 }, () => ["failed", "TRASH_UNKNOWN"]),
    );
  });

  test("is not collected again at once, nor is a manifest without one", async () => {
    let time = Date.UTC(2026, 0, 1);
    await using world = await trashWorld({ now: () => time });
    const one = image();
    await world.put(APP, one);
    await world.collect();
    time += 30 * 24 * 3600_000;

    await restored(world, `${APP}@${one.digest}`);

    const records = await world.registry.metadata.recordsOf(parseName(APP));
    expect(records?.manifests.map(({ seenAt }) => seenAt)).toEqual([time]);
    expect(records?.links.map(({ seenAt }) => seenAt)).toEqual([time, time]);
  });
});

describe("what comes with it", () => {
  test("are the children of an index, also of one inside another", async () => {
    await using world = await trashWorld();
    const inner = index([image(), image()]);
    await world.put(APP, index([inner, image()]), "multi");
    const before = await world.inventory();
    await world.untag(APP, "multi");
    await world.collect();
    expect(await world.inventory()).toEqual([]);

    expect(await restored(world, `${APP}:multi`)).toMatchObject([
      { outcome: "restored", manifests: 5, blobs: 6 },
    ]);

    expect(await world.inventory()).toEqual(before);
    await world.expectClean();
  });

  test("are referrers that a collection took, and theirs, but not what a client deleted", async () => {
    await using world = await trashWorld();
    const one = image();
    const signature = image({ subject: one.descriptor, artifactType: "application/x-signature" });
    const chained = image({ subject: signature.descriptor, artifactType: "application/x-more" });
    const deleted = image({ subject: one.descriptor, artifactType: "application/x-deleted" });
    await world.put(APP, one, "1.0");
    for (const referrer of [signature, chained, deleted]) await world.put(APP, referrer);
    const name = parseName(APP);
    const gone = parseDigest(deleted.digest);
    await world.registry.metadata.removeManifest(name, gone, Date.now());
    const before = await world.inventory();
    await world.untag(APP, "1.0");
    await world.collect();
    expect(await world.inventory()).toEqual([]);

    await restored(world, `${APP}:1.0`);

    const after = await world.inventory();
    expect(after.filter((line) => line.includes("manifest"))).toEqual(
      before.filter((line) => line.includes("manifest")),
    );
    expect(after.join()).toContain(chained.digest);
    expect(after.join()).not.toContain(deleted.digest);
    await world.expectClean();
  });

  test("is linked from another repository when that has the bytes", async () => {
    await using world = await trashWorld();
    const one = image();
    await world.put(APP, one, "1.0");
    await world.put("team/other", one, "1.0");
    const before = await world.inventory();
    await world.untag(APP, "1.0");
    await world.collect();
    expect(await files(world)).toEqual([]);

    await restored(world, `${APP}:1.0`);

    expect(await world.inventory()).toEqual(before);
    await world.expectClean();
  });
});

describe("all of it", () => {
  /** Several kinds of things in several repositories, of which some share parts. */
  async function fill(world: TrashWorld): Promise<string[]> {
    const shared = image({ layers: 2 });
    await world.put(APP, shared, "1.0", "latest");
    await world.put("team/other", shared, "copy");
    await world.put("team/other", index([shared, image()]), "multi");
    await world.put("solo", image({ subject: shared.descriptor }), "signed");
    await world.put("solo", image({ layers: 0 }));
    return await world.inventory();
  }

  async function removeAll(world: TrashWorld): Promise<number> {
    await world.untag(APP, "1.0", "latest");
    await world.untag("team/other", "copy", "multi");
    await world.untag("solo", "signed");
    const run = await world.collect();
    expect(await world.inventory()).toEqual([]);
    return run;
  }

  test("comes back as it was", async () => {
    await using world = await trashWorld();
    const before = await fill(world);
    await removeAll(world);

    const found = await restored(world);

    expect(found.every(({ outcome }) => outcome === "restored")).toBe(true);
    expect(await world.inventory()).toEqual(before);
    expect(await world.registry.metadata.sumTrash()).toEqual({ entries: 0, bytes: 0 });
    expect(await files(world)).toEqual([]);
    await world.expectClean();
  });

  test("of one repository comes back without the others", async () => {
    await using world = await trashWorld();
    const before = await fill(world);
    await removeAll(world);

    await restored(world, "team/other");

    expect(await world.inventory()).toEqual(
      before.filter((line) => line.startsWith("team/other ")),
    );
    await world.expectClean();
  });

  test("of one run comes back without what others removed, and without tags", async () => {
    await using world = await trashWorld();
    await world.put("early", image());
    await world.collect();
    const before = await fill(world);
    const run = await removeAll(world);

    await items(restoreTrash(parseChoice([], run, false), world.place));

    expect(await world.inventory()).toEqual(before.filter((line) => !line.includes(" tag ")));
    await world.expectClean();
  });

  test("is planned as it is then done, and the plan changes nothing", async () => {
    await using world = await trashWorld();
    await fill(world);
    await removeAll(world);
    const all = parseChoice([], null, true);

    const planned = await items(planRestore(all, world.place));
    expect(await world.inventory()).toEqual([]);
    const done = await items(restoreTrash(all, world.place));

    expect(planned).toEqual(done.map((item) => ({ ...item, outcome: "planned" })));
  });

  test("may be restored twice", async () => {
    await using world = await trashWorld();
    const before = await fill(world);
    await removeAll(world);
    await restored(world);

    expect(await restored(world)).toEqual([]);
    expect(await world.inventory()).toEqual(before);
  });
});

describe("nothing of it is restored", () => {
  async function collected(): Promise<{ world: TrashWorld; one: Fixture }> {
    const world = await trashWorld();
    const one = image({ layers: 2 });
    await world.put(APP, one, "1.0");
    await world.untag(APP, "1.0");
    await world.collect();
    return { world, one };
  }

  /** The file in the trash that has the bytes of the last layer. */
  async function fileOf(world: TrashWorld, one: Fixture): Promise<string> {
    const digest = parseDigest(one.blobs.at(-1)!.descriptor.digest);
    const [row] = await world.place.rows.listTrash({ digest, kind: "blob", limit: 1 });
    return join(world.data, trashPath(row!.id));
  }

  test("when bytes were freed, and it is said which", async () => {
    const { world, one } = await collected();
    await using _ = world;
    await rm(await fileOf(world, one));

    const [item] = await restored(world, `${APP}:1.0`);

    const lost = one.blobs.at(-1)!.descriptor.digest;
    expect(item).toMatchObject({ outcome: "failed", error: "TRASH_INCOMPLETE" });
    expect(item?.reason).toBe(`the bytes of ${lost} are neither here nor in the trash`);
    expect(await world.inventory()).toEqual([]);
  });

  test.each([
    ["others", (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1)],
    ["too few", (bytes: Uint8Array) => bytes.slice(1)],
  ])("when bytes in the trash are %s, and it is said which", async (_, damage) => {
    const { world, one } = await collected();
    await using __ = world;
    const { bytes, descriptor } = one.blobs.at(-1)!;
    await writeFile(await fileOf(world, one), damage(bytes));

    const [item] = await restored(world, `${APP}:1.0`);

    expect(item?.reason).toBe(`the bytes of ${descriptor.digest} in the trash are damaged`);
    expect(await world.inventory()).toEqual([]);
  });

  test("when a child of its index is lost, and the others in the trash come back", async () => {
    await using world = await trashWorld();
    const [lost, whole] = [image(), image()];
    await world.put(APP, index([lost, whole]), "multi");
    await world.put(APP, image(), "1.0");
    await world.untag(APP, "multi", "1.0");
    await world.collect();
    const digest = parseDigest(lost.digest);
    const rows = await world.place.rows.listTrash({ digest, limit: 10 });
    await world.place.rows.removeTrash(rows.map(({ id }) => id));

    const found = await restored(world, `${APP}:multi`, `${APP}:1.0`);

    expect(told(found).toSorted()).toEqual(["failed team/app:multi", "restored team/app:1.0"]);
    expect((await world.inventory()).filter((line) => line.includes("manifest"))).toHaveLength(1);
    await world.expectClean();
  });

  test("unless it is taken without the lost parts", async () => {
    const { world, one } = await collected();
    await using _ = world;
    await rm(await fileOf(world, one));
    const { registryPlace } = await import("./registry-place.ts");
    const sparse = registryPlace(world.registry, { sparse: true, by: null });

    await items(restoreTrash(parseChoice([`${APP}:1.0`], null, false), sparse));

    expect(await tagOf(world, "1.0")).toBe(one.digest);
  });
});
