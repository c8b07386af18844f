import { expect, test } from "bun:test";
import { storageContract } from "./contract.ts";
import { memoryStorage } from "./memory.ts";

storageContract("memory", async () => ({
  storage: memoryStorage(),
  async [Symbol.asyncDispose]() {},
}));

test("memory: times come from the clock that it was given", async () => {
  let now = 1000;
  const storage = memoryStorage(() => now);
  await storage.write([{ path: "a", bytes: new Uint8Array(3) }]);
  now = 2000;
  expect(await storage.stat("a")).toEqual({ size: 3, modifiedAt: 1000 });
});
