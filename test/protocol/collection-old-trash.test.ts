import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { blob, randomBytes } from "../support/oci.ts";
import { pushBlob } from "../support/push.ts";
import { gcFolder } from "../gc/support/gc-command.ts";
import { startRegistry } from "./support/registry.ts";

const GRACE = 60_000;
const OLD = "of another life";

const trashOf = (data: string): string => join(data, "wharfinger/trash");

async function leaveTrash(data: string): Promise<void> {
  await mkdir(trashOf(data), { recursive: true });
  for (const name of ["1", "2", "17"]) await writeFile(join(trashOf(data), name), OLD);
}

async function expectOld(data: string, andNew: number): Promise<void> {
  const names = await readdir(trashOf(data));
  expect(names.toSorted().slice(0, 3)).toEqual(["1", "17", expect.any(String)]);
  for (const name of ["1", "2", "17"]) {
    expect(await readFile(join(trashOf(data), name), "utf8")).toBe(OLD);
  }
  expect(names).toHaveLength(3 + andNew);
}

describe("files in a trash whose rows are lost", () => {
  test("are neither written over nor taken for what was moved there", async () => {
    let now = Date.now();
    const given = leaveTrash;
    await using registry = await startRegistry({ grace: GRACE, now: () => now, given });
    const one = blob("application/octet-stream", randomBytes(40_000));
    await pushBlob(one, registry.url, "app");
    await registry.opened.collecting.drain();
    now += 2 * GRACE;

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 1, bytes: 40_000 });

    await expectOld(registry.data, 1);
    const [record] = await registry.opened.registry.metadata.listTrash({ kind: "blob", limit: 1 });
    const moved = await readFile(join(trashOf(registry.data), String(record?.id)));
    expect(moved.equals(one.bytes)).toBe(true);
  });

  test("are left alone when a folder is collected, too", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    {
      await using registry = await startRegistry({ data });
      const one = blob("application/octet-stream", randomBytes(40_000));
      await pushBlob(one, registry.url, "app");
    }
    await rm(join(data, "wharfinger"), { recursive: true });
    await leaveTrash(data);

    await gcFolder(data, "--grace", "0s");

    await expectOld(data, 1);
  });
});
