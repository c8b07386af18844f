import { expect, setDefaultTimeout, test } from "bun:test";
import { image, index } from "../../../test/support/image.ts";
import { type TrashWorld, trashWorld } from "../../../test/support/trash-world.ts";
import type { Registry } from "../../registry/registry.ts";
import { EVERYTHING, parseChoice } from "./names.ts";
import { emptyTrash } from "./empty.ts";
import type { Trash } from "./place.ts";
import { purgeOldest } from "./purge.ts";
import { registryPlace } from "./registry-place.ts";
import { restoreTrash } from "./restore.ts";

setDefaultTimeout(180_000);

/** What changes something; each is a moment at which the process may end. */
const CHANGES = new Set(["move", "delete", "write", "linkBlob", "putManifest", "removeTrash"]);

class Cut extends Error {}

/** Ends before the change with this number. `after`: right after it, before anybody hears that it was done. */
function cutting<T extends object>(inner: T, left: { count: number }, after: boolean): T {
  return new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function" || !CHANGES.has(String(key))) return value;
      return async (...parameters: unknown[]): Promise<unknown> => {
        const ends = left.count-- <= 0;
        if (ends && !after) throw new Cut();
        const result: unknown = await (value as (...of: unknown[]) => unknown)(...parameters);
        if (ends) throw new Cut();
        return result;
      };
    },
  });
}

function cutRegistry(registry: Registry, count: number, after: boolean): Registry {
  const left = { count };
  return {
    ...registry,
    metadata: cutting(registry.metadata, left, after),
    storage: cutting(registry.storage, left, after),
  };
}

/** Does it, cut off a little later each time, until it gets to its end; returns how often it was cut off. */
async function everyCut(
  work: (count: number, after: boolean) => Promise<unknown>,
  then: () => Promise<void>,
): Promise<number> {
  let cuts = 0;
  for (const after of [false, true]) {
    for (let count = 0; ; count++) {
      let ended = true;
      try {
        await work(count, after);
      } catch (error) {
        if (!(error instanceof Cut)) throw error;
        ended = false;
      }
      await then();
      if (ended) break;
      cuts++;
    }
  }
  return cuts;
}

async function drain(events: AsyncGenerator): Promise<void> {
  for await (const _ of events) continue;
}

const ALL = parseChoice([], null, true);

async function removed(world: TrashWorld): Promise<void> {
  await world.untag("team/app", "multi");
  await world.collect();
  expect(await world.inventory()).toEqual([]);
}

test("a restore that is cut off anywhere is done when it is done again, and nothing is lost", async () => {
  await using world = await trashWorld();
  await world.put("team/app", index([image({ layers: 0 })]), "multi");
  const before = await world.inventory();
  await removed(world);

  const cuts = await everyCut(
    async (count, after) => {
      const registry = cutRegistry(world.registry, count, after);
      await drain(restoreTrash(ALL, registryPlace(registry, { sparse: false, by: null })));
    },
    async () => {
      await world.restart();
      await drain(restoreTrash(ALL, world.place));
      expect(await world.inventory()).toEqual(before);
      await removed(world);
    },
  );

  // A file, its link, two manifests, a tag, a sync and the rows, each before and after.
  expect(cuts).toBeGreaterThanOrEqual(14);
  await drain(restoreTrash(ALL, world.place));
  await world.expectClean();
});

test.each([
  [
    "emptying",
    async (trash: Trash) => {
      await drain(emptyTrash(EVERYTHING, trash));
    },
  ],
  [
    "freeing of what is old",
    async (trash: Trash) => {
      await purgeOldest(trash, { isDue: () => true });
    },
  ],
])("%s that is cut off anywhere leaves nothing half, and nothing for ever", async (_, free) => {
  await using world = await trashWorld();
  const kept = image();
  await world.put("team/app", kept, "kept");
  const before = await world.inventory();

  const cuts = await everyCut(
    async (count, after) => {
      await world.put("team/app", image(), "gone");
      await world.untag("team/app", "gone");
      await world.collect();
      const { metadata: rows, storage } = cutRegistry(world.registry, count, after);
      await free({ rows, storage });
    },
    async () => {
      const { metadata: rows, storage } = world.registry;
      // Whatever is left of a tag's row: it is whole, or it is said that it is not.
      const outcomes: string[] = [];
      for await (const event of restoreTrash(ALL, world.place)) {
        if ("item" in event) outcomes.push(event.item.outcome);
      }
      expect(outcomes.filter((one) => !["restored", "failed"].includes(one))).toEqual([]);
      if (outcomes.includes("restored")) {
        expect((await world.inventory()).some((line) => line.includes("missing"))).toBe(false);
        const { metadata, now } = world.registry;
        const name = before[0]!.split(" ")[0]! as never;
        await metadata.removeTag(name, "gone" as never, now());
        await world.collect();
      }
      await free({ rows, storage });
      expect(await rows.sumTrash()).toEqual({ entries: 0, bytes: 0 });
      expect(await Array.fromAsync(storage.list("wharfinger/trash"))).toEqual([]);
      expect(await world.inventory()).toEqual(before);
    },
  );

  expect(cuts).toBeGreaterThanOrEqual(6);
  await world.expectClean();
});
