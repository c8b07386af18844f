import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { type Fixture, type Layer, image, index } from "../../../test/support/image.ts";
import { blob, mediaTypes, randomBytes } from "../../../test/support/oci.ts";
import { restored } from "../../../test/support/trash-restore.ts";
import { type TrashWorld, trashWorld } from "../../../test/support/trash-world.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";

setDefaultTimeout(300_000);

const NAMES = ["a", "a/b", "c"] as const;

/** Something that is pushed: which layers it has, what it lists, and what it is about, of those before it. */
interface Push {
  readonly name: (typeof NAMES)[number];
  readonly layers: readonly number[];
  readonly lists: readonly number[];
  readonly about: number | null;
  readonly tags: readonly string[];
}

const push: fc.Arbitrary<Push> = fc.record({
  name: fc.constantFrom(...NAMES),
  layers: fc.array(fc.nat(3), { maxLength: 3 }),
  lists: fc.array(fc.nat(5), { maxLength: 2 }),
  about: fc.option(fc.nat(5), { freq: 2 }),
  tags: fc.array(fc.constantFrom("1", "2", "3"), { maxLength: 2 }),
});

type Step = { readonly does: "untag" | "delete" | "collect" | "restart"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom("untag", "untag", "delete", "delete", "collect", "restart"),
  which: fc.nat(20),
});

const pool: readonly Layer[] = Array.from({ length: 4 }, () => {
  const layer = blob(mediaTypes.layer, randomBytes(200));
  return { ...layer, diffId: layer.descriptor.digest };
});

/** A tag is pushed once: moving it is another story. */
async function fill(world: TrashWorld, pushes: readonly Push[]): Promise<void> {
  const made: Fixture[] = [];
  const tagged = new Set<string>();
  for (const { name, layers, lists, about, tags } of pushes) {
    const one = (at: number): Fixture | undefined => made[at % Math.max(made.length, 1)];
    const subject = about === null ? undefined : one(about)?.descriptor;
    const children = [...new Set(lists.map(one))].filter((child) => child !== undefined);
    const annotations = { made: String(made.length) };
    const options = { annotations, ...(subject && { subject }) };
    const fixture =
      children.length > 0
        ? index(children, options)
        : image({ ...options, layers: [...new Set(layers)].map((at) => pool[at]!) });
    const fresh = [...new Set(tags)].filter((tag) => !tagged.has(`${name}:${tag}`));
    for (const tag of fresh) tagged.add(`${name}:${tag}`);
    await world.put(name, fixture, ...fresh);
    made.push(fixture);
  }
}

async function take(world: TrashWorld, { does, which }: Step): Promise<void> {
  if (does === "collect") return void (await world.collect());
  if (does === "restart") return await world.restart();
  const kind = does === "untag" ? " tag " : " manifest ";
  const lines = (await world.inventory()).filter((line) => line.includes(kind));
  const [name, , what = ""] = lines[which % Math.max(lines.length, 1)]?.split(" ") ?? [];
  if (name === undefined) return;
  if (does === "untag") return await world.untag(name, what);
  // Refused while an index needs it, which is nothing to us.
  const { metadata, now } = world.registry;
  await metadata.removeManifest(parseName(name), parseDigest(what), now());
}

test("whatever is removed in whatever order, restoring everything brings back what there was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(push, { minLength: 1, maxLength: 6 }),
      fc.array(step, { maxLength: 8 }),
      async (pushes, steps) => {
        await using world = await trashWorld();
        await fill(world, pushes);
        const before = await world.inventory();
        for (const one of steps) await take(world, one);

        const items = await restored(world);

        expect(items.filter(({ outcome }) => outcome !== "restored" && outcome !== "here")).toEqual(
          [],
        );
        expect(await world.inventory()).toEqual(before);
        await world.expectClean();
      },
    ),
    { numRuns: 25 },
  );
});
