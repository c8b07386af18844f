import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { expectClean } from "../support/clean.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { newlyOpen, onLinux, openFiles } from "../support/linux.ts";
import { startWharf } from "../support/server.ts";
import { followed, uploadFiles } from "../protocol/support/stored.ts";
import { slope, soak } from "./support/soak.ts";

setDefaultTimeout(60_000);

describe.skipIf(!onLinux)("some seconds of everything at once", () => {
  test("leave no descriptor, no temporary file and no damage", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using server = await startWharf({ data });
    await soak(server, 1000, 1);
    await followed(data);
    const before = await openFiles(server.pid);

    const { done } = await soak(server, 4000, 2);

    expect(Object.keys(done).length).toBeGreaterThan(5);
    await followed(data);
    expect(await newlyOpen(server.pid, before)).toEqual([]);
    expect(await uploadFiles(data)).toEqual([]);
    const files = await filesBelow(join(data, "docker"));
    expect(files.filter((file) => file.includes(".wharfinger-"))).toEqual([]);
    expect(server.logs()).not.toContain('"level":"error"');
    await server.stop();
    await expectClean(data);
  });
});

test("the slope of memory is what is added in a minute", () => {
  expect(slope([5, 5, 5, 5])).toBe(0);
  expect(slope(Array.from({ length: 120 }, (_, second) => 100 + second / 30))).toBeCloseTo(2);
});
