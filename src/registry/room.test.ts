import { expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { temporaryFolder } from "../../test/support/folder.ts";
import { RegistryError } from "../oci/errors.ts";
import { Room, type Space } from "./room.ts";

const MIB = 1024 * 1024;
const ROOMY: Space = { bytes: 1000 * MIB, freeBytes: 500 * MIB, files: 0, freeFiles: 0 };

/** A look at a disk of which this is known: fresh each time, as a look that is old enough. */
function roomOn(space: Partial<Space>, folder = "/nowhere"): Room {
  return new Room(folder, () => ({ ...ROOMY, ...space }));
}

test("pushes are refused while less is free than deletes may need, and the missing reserve counts", async () => {
  await using folder = await temporaryFolder();
  await folder.folder("wharfinger");
  expect(roomOn({ freeBytes: 32 * MIB }, folder.path).isLow()).toBe(false);
  expect(roomOn({ freeBytes: 31 * MIB }, folder.path).isLow()).toBe(true);

  const reserved = roomOn({ freeBytes: 32 * MIB }, folder.path);
  await reserved.refill();
  expect((await stat(folder.at("wharfinger", "reserve"))).size).toBe(16 * MIB);
  const later = roomOn({ freeBytes: 17 * MIB }, folder.path);
  await later.refill();
  expect(later.isLow()).toBe(false);
  expect(() => later.check()).not.toThrow();
});

test("a small disk keeps a sixteenth of itself, and as much as a reserve", () => {
  expect(roomOn({ bytes: 64 * MIB, freeBytes: 8 * MIB }).isLow()).toBe(false);
  expect(roomOn({ bytes: 64 * MIB, freeBytes: 7 * MIB }).isLow()).toBe(true);
});

test("inodes count where a file system counts them", () => {
  expect(roomOn({ files: 1e6, freeFiles: 999 }).isLow()).toBe(true);
  expect(roomOn({ files: 1e6, freeFiles: 1000 }).isLow()).toBe(false);
  expect(roomOn({ files: 160, freeFiles: 10 }).isLow()).toBe(false);
  expect(roomOn({ files: 0, freeFiles: 0 }).isLow()).toBe(false);
});

test("what frees room is done again with that of the reserve, once, and nothing else is", async () => {
  await using folder = await temporaryFolder();
  await folder.folder("wharfinger");
  const room = roomOn({}, folder.path);
  await room.refill();
  const reserve = (): Promise<number> =>
    stat(folder.at("wharfinger", "reserve")).then(({ size }) => size);

  const broken = new RegistryError("UNAVAILABLE");
  expect(room.freeing(() => Promise.reject(broken))).rejects.toBe(broken);
  expect(await reserve()).toBe(16 * MIB);

  let tries = 0;
  const done = await room.freeing(async () => {
    if (tries++ === 0) throw new RegistryError("STORAGE_FULL");
    return await reserve();
  });
  expect([tries, done]).toEqual([2, 0]);

  await room.refill();
  expect(await reserve()).toBe(16 * MIB);
  expect(room.freeing(() => Promise.reject(new RegistryError("STORAGE_FULL")))).rejects.toThrow(
    "full",
  );
});
