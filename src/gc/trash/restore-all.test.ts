import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { image, index } from "../../../test/support/image.ts";
import { itemsOf, restored, trashedFiles } from "../../../test/support/trash-restore.ts";
import { type TrashWorld, trashWorld } from "../../../test/support/trash-world.ts";
import { parseChoice } from "./names.ts";
import { planRestore, restoreTrash } from "./restore.ts";

setDefaultTimeout(60_000);

const APP = "team/app";

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
    expect(await trashedFiles(world)).toEqual([]);
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

    await itemsOf(restoreTrash(parseChoice([], run, false), world.place));

    expect(await world.inventory()).toEqual(before.filter((line) => !line.includes(" tag ")));
    await world.expectClean();
  });

  test("is planned as it is then done, and the plan changes nothing", async () => {
    await using world = await trashWorld();
    await fill(world);
    await removeAll(world);
    const all = parseChoice([], null, true);

    const planned = await itemsOf(planRestore(all, world.place));
    expect(await world.inventory()).toEqual([]);
    const done = await itemsOf(restoreTrash(all, world.place));

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
