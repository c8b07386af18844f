import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { makeBackup } from "../../src/backup/backup.ts";
import type { Sink } from "../../src/backup/sink.ts";
import { openSource } from "../../src/backup/source.ts";
import { tarSink } from "../../src/backup/tar-sink.ts";
import { startRegistry, type TestRegistry } from "../protocol/support/registry.ts";
import { backUp, restoreAll } from "../support/backup.ts";
import { expectClean } from "../support/clean.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { notServed, tagsOf } from "../support/pull.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(120_000);

/** Larger than what is kept in the metadata for a while: its bytes are a file. */
const LARGE = 40_000;

const ROUNDS = 5;

/** A moment of the backup: when its snapshot was taken, before the first layer is copied. */
async function backUpAt(data: string, target: string, moment: () => Promise<void>): Promise<void> {
  await using source = await openSource(data, Date.now);
  const openSink = async (): Promise<Sink> => {
    const sink = await tarSink(target, false);
    return {
      ...sink,
      async begin(document, list) {
        await moment();
        await sink.begin(document, list);
      },
    };
  };
  await makeBackup(source, openSink, {
    earlier: { blobs: new Set(), chain: [] },
    skipDamaged: false,
    users: [],
    configuration: null,
    now: Date.now,
  });
}

async function removeAndCollect(registry: TestRegistry, fixture: Fixture): Promise<void> {
  await registry.ask("DELETE", `/v2/app/manifests/${fixture.digest}`);
  await Bun.sleep(5);
  await registry.collect();
}

describe("a backup while the registry collects", () => {
  test("has what was there when it began, also when that is in the trash by now", async () => {
    await using folder = await temporaryFolder();
    const [live, dead] = [image({ size: LARGE }), image({ layers: 2, size: LARGE })];
    {
      await using registry = await startRegistry({ grace: 1 });
      await live.push(registry.url, "app", "live");
      await dead.push(registry.url, "app", "dead");
      await registry.opened.collecting.drain();
      const layer = inTree(registry.data).blob(dead.blobs[1]!.descriptor.digest);

      await backUpAt(registry.data, folder.at("a.tar"), async () => {
        await removeAndCollect(registry, dead);
        expect(existsSync(layer)).toBe(false);
      });
    }

    await restoreAll(folder.at("to"), folder.at("a.tar"));
    await expectClean(folder.at("to"));
    await using restored = await localRegistry({}, { data: folder.at("to") });
    expect(await notServed(restored.url, "app", "dead", dead)).toEqual([]);
    expect(await notServed(restored.url, "app", "live", live)).toEqual([]);
  });

  test("is whole, each time, under pushes, moves, deletes and collections without a pause", async () => {
    await using folder = await temporaryFolder();
    const kept = index([image({ size: LARGE }), image({ size: LARGE })]);
    {
      await using registry = await startRegistry({ grace: 1000 });
      await kept.push(registry.url, "app", "kept");
      let over = false;
      let pushed = 0;
      let collected = 0;
      const churn = async (lane: number): Promise<void> => {
        while (!over) {
          const one = image({ size: LARGE });
          await one.push(registry.url, "app", `lane${lane}`);
          if (pushed++ % 3 === 0) await registry.ask("DELETE", `/v2/app/manifests/${one.digest}`);
        }
      };
      const collect = async (): Promise<void> => {
        while (!over) {
          await Bun.sleep(10);
          collected += (await registry.collect()).blobs;
        }
      };
      const busy = [churn(0), churn(1), collect()];
      // Until something was collected: otherwise this would show nothing.
      for (let round = 0; round < ROUNDS || collected === 0; round++) {
        await backUp(registry.data, folder.at(`${round % ROUNDS}.tar`), "--force");
        await Bun.sleep(50);
      }
      over = true;
      await Promise.all(busy);
    }
    for (let round = 0; round < ROUNDS; round++) {
      const data = folder.at(`to-${round}`);
      await restoreAll(data, folder.at(`${round}.tar`));
      await expectClean(data);
      await using restored = await localRegistry({}, { data });
      expect(await tagsOf(restored.url, "app")).toContain("kept");
      expect(await notServed(restored.url, "app", "kept", kept)).toEqual([]);
    }
  });
});
