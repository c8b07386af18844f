import { expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { temporaryFolder } from "../../test/support/folder.ts";
import { Reserve } from "./reserve.ts";

const SIZE = 1024 * 1024;

async function allocated(path: string): Promise<number> {
  return (await stat(path)).blocks * 512;
}

test("a reserve takes up real room, gives it back, and takes it again", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("reserve");
  const reserve = new Reserve(path, SIZE);
  expect(await reserve.isFull()).toBe(false);
  for (let round = 0; round < 2; round++) {
    await reserve.fill();
    expect(await reserve.isFull()).toBe(true);
    expect(await allocated(path)).toBeGreaterThanOrEqual(SIZE);
    await reserve.fill();
    expect((await stat(path)).size).toBe(SIZE);
    reserve.release();
    expect(await allocated(path)).toBe(0);
    expect(await reserve.isFull()).toBe(false);
  }
});

test("a reserve that was never taken can be given back", async () => {
  await using folder = await temporaryFolder();
  new Reserve(folder.at("reserve"), SIZE).release();
  expect(await Bun.file(folder.at("reserve")).exists()).toBe(false);
});
