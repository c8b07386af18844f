import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Fixture, image, index } from "../../../test/support/image.ts";
import { itemsOf, restored, told } from "../../../test/support/trash-restore.ts";
import { type TrashWorld, trashWorld } from "../../../test/support/trash-world.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";
import { trashPath } from "../../storage/tree.ts";
import { parseChoice } from "./names.ts";
import { registryPlace } from "./registry-place.ts";
import { restoreTrash } from "./restore.ts";

setDefaultTimeout(60_000);

const APP = "team/app";

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
  ])("when bytes in the trash are %s, and it is said which", async (...[, damage]) => {
    const { world, one } = await collected();
    await using _ = world;
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
    const sparse = registryPlace(world.registry, { sparse: true, by: null });

    await itemsOf(restoreTrash(parseChoice([`${APP}:1.0`], null, false), sparse));

    const { metadata } = world.registry;
    const tagged = await metadata.findManifest(parseName(APP), parseTag("1.0"));
    expect(tagged?.digest as string).toBe(one.digest);
  });
});
