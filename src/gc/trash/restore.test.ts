import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { image, index } from "../../../test/support/image.ts";
import { itemsOf, restored, told, trashedFiles } from "../../../test/support/trash-restore.ts";
import { type TrashWorld, trashWorld } from "../../../test/support/trash-world.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";
import { parseChoice } from "./names.ts";
import { restoreTrash } from "./restore.ts";

setDefaultTimeout(60_000);

const APP = "team/app";

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
    expect(await trashedFiles(world)).toEqual([]);
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

    const [item] = await itemsOf(restoreTrash(parseChoice([`${APP}:1.0`], null, false), late));

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
    expect(await trashedFiles(world)).toEqual([]);

    await restored(world, `${APP}:1.0`);

    expect(await world.inventory()).toEqual(before);
    await world.expectClean();
  });
});
