import { expect, test } from "bun:test";
import { memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import { UPLOADS, uploadPath } from "../storage/tree.ts";
import { UploadBytes } from "./upload-bytes.ts";

const full = (): never => {
  throw Object.assign(new Error("ENOSPC: no room"), { code: "ENOSPC" });
};

for (const at of ["writing", "moving"] as const) {
  test(`a copy of earlier bytes that fails while ${at} leaves no half of itself, and can be tried again`, async () => {
    const memory = memoryStorage();
    await memory.write([{ path: uploadPath("one"), bytes: new Uint8Array(100) }]);
    let room = false;
    const storage: Storage = {
      ...memory,
      async append(path, offset) {
        const writer = await memory.append(path, offset);
        const write = (chunk: Uint8Array) =>
          at === "writing" && !room ? full() : writer.write(chunk);
        return { ...writer, write };
      },
      async move(from, to) {
        if (at === "moving" && !room) full();
        await memory.move(from, to);
      },
    };
    const bytes = new UploadBytes("one", storage, true);

    expect(await bytes.renew(100).catch((error: unknown) => error)).toMatchObject({
      code: "ENOSPC",
    });
    const left = (await Array.fromAsync(memory.list(UPLOADS))).map(({ name }) => name);
    expect(left).toEqual(["one"]);

    room = true;
    await bytes.renew(100);
    expect((await memory.readSmall(uploadPath("one")))?.length).toBe(100);
  });
}
