import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { TrashRecord } from "../../metadata/collection.ts";
import { digestOf } from "../../oci/digest.ts";
import { memoryStorage } from "../../storage/memory.ts";
import { trashPath } from "../../storage/tree.ts";
import { type KeeperOptions, TrashKeeper } from "./keeper.ts";
import type { Trash, TrashRows } from "./place.ts";
import { purgeOldest } from "./purge.ts";
import { takeTurn } from "./turn.ts";

setDefaultTimeout(60_000);

const HOUR = 3600_000;
const NOW = Date.UTC(2026, 0, 2);

interface TestTrash extends Trash {
  readonly records: TrashRecord[];
  /** Those that are on their way into the trash. */
  readonly claims: Set<number>;
  /** What was done, in order. */
  readonly log: string[];
}

/** A trash with a blob of ten bytes for each of these times, the first removed first. */
async function trashOf(...removedAt: readonly number[]): Promise<TestTrash> {
  const storage = memoryStorage();
  const log: string[] = [];
  const claims = new Set<number>();
  const records = removedAt.map((at, index): TrashRecord => {
    const digest = digestOf(new TextEncoder().encode(String(index)));
    const blob = {
      kind: "blob",
      repository: null,
      tag: null,
      mediaType: null,
      bytes: null,
    } as const;
    const facts = { digest, size: 10, madeAt: 0, removedAt: at, reason: "", removedBy: null };
    return { id: index + 1, run: 1, ...blob, ...facts };
  });
  for (const { id } of records) {
    await storage.write([{ path: trashPath(id), bytes: new Uint8Array(10) }]);
  }
  const rows: TrashRows = {
    listTrash: async () => records.toReversed(),
    oldestTrash: async (limit) => records.slice(0, limit),
    sumTrash: async () => ({
      entries: records.length,
      bytes: records.reduce((sum, { kind, size }) => sum + (kind === "blob" ? size : 0), 0),
    }),
    listClaims: async () => records.filter(({ id }) => claims.has(id)),
    async removeTrash(ids) {
      log.push(`rows ${ids.join(" ")}`);
      for (const id of ids)
        records.splice(
          records.findIndex((one) => one.id === id),
          1,
        );
    },
  };
  const watched = {
    ...storage,
    async delete(path: string) {
      log.push(`file ${path.split("/").at(-1)}`);
      await storage.delete(path);
    },
    async write(objects: Parameters<typeof storage.write>[0]) {
      log.push("sync");
      await storage.write(objects);
    },
  };
  return { rows, storage: watched, records, claims, log };
}

const left = ({ records }: TestTrash): number[] => records.map(({ id }) => id);

describe("what is freed", () => {
  test("are files first, durably, and then their rows", async () => {
    const trash = await trashOf(1, 2);

    expect(await purgeOldest(trash, { isDue: () => true })).toEqual({ entries: 2, bytes: 20 });

    expect(trash.log).toEqual(["file 1", "file 2", "sync", "rows 1 2"]);
  });

  test("goes in the order of the removals, and not past one that must stay", async () => {
    const trash = await trashOf(1, 5, 2);

    await purgeOldest(trash, { isDue: ({ removedAt }) => removedAt < 3 });

    expect(left(trash)).toEqual([2, 3]);
  });

  test("is nothing that is on its way into the trash", async () => {
    const trash = await trashOf(1, 2, 3);
    trash.claims.add(2);

    await purgeOldest(trash, { isDue: () => true });

    expect(left(trash)).toEqual([2, 3]);
  });

  test("counts only the bytes of files that were there", async () => {
    const trash = await trashOf(1, 2);
    await trash.storage.delete(trashPath(1));

    expect(await purgeOldest(trash, { isDue: () => true })).toEqual({ entries: 2, bytes: 10 });
  });

  test("are more than fit into one batch", async () => {
    const trash = await trashOf(...Array.from({ length: 450 }, (_, at) => at));

    expect((await purgeOldest(trash, { isDue: () => true })).entries).toBe(450);
    expect(left(trash)).toEqual([]);
  });
});

describe("as time goes by", () => {
  /** A keeper with clocks that the test sets; both have gone on for two hours since it began. */
  function keeperOf(trash: TestTrash, options: Partial<KeeperOptions> = {}) {
    const clock = { wall: NOW - 2 * HOUR, steady: 0 };
    const freed: [number, boolean][] = [];
    const keeper = new TrashKeeper({
      trash,
      policy: () => ({ keepFor: 24 * HOUR, freeSpace: 5, pace: 1_000_000 }),
      free: async () => 50,
      now: () => clock.wall,
      monotonic: () => clock.steady,
      freed: ({ entries }, early) => void freed.push([entries, early]),
      failed: (error) => {
        throw error;
      },
      ...options,
    });
    clock.wall = NOW;
    clock.steady = 2 * HOUR;
    return { keeper, clock, freed };
  }

  test("what is older than it is kept for goes, and nothing else", async () => {
    const trash = await trashOf(NOW - 25 * HOUR, NOW - 24 * HOUR, NOW - 23 * HOUR);
    const { keeper, freed } = keeperOf(trash);

    await keeper.once();

    expect(left(trash)).toEqual([3]);
    expect(freed).toEqual([[2, false]]);
  });

  test("nothing goes in the first hour, nor in the hour after the clock was set", async () => {
    const trash = await trashOf(NOW - 25 * HOUR, NOW);
    const { keeper, clock } = keeperOf(trash);
    clock.steady = HOUR / 2;
    clock.wall = NOW - 1.5 * HOUR;
    await keeper.once();
    expect(left(trash)).toEqual([1, 2]);

    clock.steady += HOUR;
    clock.wall += HOUR + 365 * 24 * HOUR;
    await keeper.once();
    expect(left(trash)).toEqual([1, 2]);

    clock.steady += HOUR / 2;
    clock.wall += HOUR / 2 - 365 * 24 * HOUR;
    await keeper.once();
    expect(left(trash)).toEqual([1, 2]);

    clock.steady += HOUR;
    clock.wall += HOUR;
    await keeper.once();
    expect(left(trash)).toEqual([2]);
  });

  test("the oldest go early while the disk is nearly full, and only until it is not", async () => {
    const trash = await trashOf(...Array.from({ length: 500 }, () => NOW));
    const { keeper, freed } = keeperOf(trash, {
      free: async () => (trash.records.length > 250 ? 4 : 6),
    });

    await keeper.once();

    expect(trash.records).toHaveLength(100);
    expect(freed).toEqual([[400, true]]);
  });

  test("nothing goes early when that would free no bytes", async () => {
    const trash = await trashOf(NOW);
    trash.records.splice(0, 1, { ...trash.records[0]!, kind: "link" });
    const { keeper } = keeperOf(trash, { free: async () => 1 });

    await keeper.once();

    expect(left(trash)).toEqual([1]);
  });

  test("nothing goes where the setting does not allow it, or while somebody restores", async () => {
    const trash = await trashOf(1);
    expect(await keeperOf(trash, { policy: () => null }).keeper.once()).toBeNull();

    const end = takeTurn(trash.storage, "a restore");
    expect(await keeperOf(trash).keeper.once()).toBeNull();
    end?.();
    await keeperOf(trash).keeper.once();

    expect(left(trash)).toEqual([]);
  });

  test("a failure is told, and it is tried again", async () => {
    const trash = await trashOf(1);
    const told = Promise.withResolvers<unknown>();
    let broken = true;
    const keeper = new TrashKeeper({
      trash: {
        ...trash,
        rows: {
          ...trash.rows,
          async oldestTrash(limit) {
            if (broken) throw new Error("EIO");
            return await trash.rows.oldestTrash(limit);
          },
        },
      },
      policy: () => ({ keepFor: 1, freeSpace: 0, pace: 1000 }),
      free: async () => 100,
      now: Date.now,
      freed: () => undefined,
      failed: told.resolve,
    });
    keeper.start();
    expect(String(await told.promise)).toContain("EIO");
    broken = false;
    while (trash.records.length > 0) await Bun.sleep(20);
    await keeper.close();
  });
});
