import { describe, expect, test } from "bun:test";
import { FailedSync } from "../storage/failed-sync.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { ObjectWriter, Storage } from "../storage/storage.ts";
import { guardedStorage } from "./guarded.ts";
import { Room } from "./room.ts";
import { WriteStop } from "./write-stop.ts";

const PLENTY = { bytes: 2 ** 40, freeBytes: 2 ** 39, files: 0, freeFiles: 0 };
const room = new Room("/nowhere", () => PLENTY);

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: refused`), { code });
}

/** A storage whose writers do something else here and there. */
function withWriters(change: (writer: ObjectWriter) => Partial<ObjectWriter>): Storage {
  const storage = memoryStorage();
  return {
    ...storage,
    async append(path, offset) {
      const writer = await storage.append(path, offset);
      return { ...writer, ...change(writer) };
    },
  };
}

describe("a writer behind the guard", () => {
  test("stops all changes when closing shows that a sync failed, as an early one may in the middle of an upload", async () => {
    const causes: Error[] = [];
    const stop = new WriteStop((cause) => void causes.push(cause));
    const failed = new FailedSync(systemError("EIO"));
    const storage = guardedStorage(
      withWriters(() => ({ close: () => Promise.reject(failed) })),
      stop,
      room,
    );
    const writer = await storage.append("a", 0);
    expect(await writer.close().catch((error: unknown) => error)).toMatchObject({
      kind: "WRITES_STOPPED",
    });
    expect(causes).toEqual([failed]);
    expect(storage.append("b", 0)).rejects.toMatchObject({ kind: "WRITES_STOPPED" });
  });

  test("is closed also when no change is taken any more", async () => {
    let closed = 0;
    const stop = new WriteStop(() => undefined);
    const storage = guardedStorage(
      withWriters((writer) => ({
        async close() {
          closed++;
          await writer.close();
        },
      })),
      stop,
      room,
    );
    const writer = await storage.append("a", 0);
    stop.note(new FailedSync(systemError("EIO")));
    await writer.close();
    expect(closed).toBe(1);
  });

  test("begins no write when no change is taken any more: nobody would hear how it ended", async () => {
    let begun = 0;
    const stop = new WriteStop(() => undefined);
    const storage = guardedStorage(
      withWriters(() => ({
        write() {
          begun++;
          return undefined;
        },
      })),
      stop,
      room,
    );
    const writer = await storage.append("a", 0);
    stop.note(new FailedSync(systemError("EIO")));
    expect(() => writer.write(new Uint8Array(1))).toThrow(
      expect.objectContaining({ kind: "WRITES_STOPPED" }),
    );
    expect(begun).toBe(0);
  });
});
