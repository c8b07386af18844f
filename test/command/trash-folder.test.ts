import { expect, setDefaultTimeout, test } from "bun:test";
import { lutimes, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { trashCommand } from "../../src/cli/trash.ts";
import { collectFolder } from "../../src/gc/collect-folder.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { blobPath, layerLink, linkBytes, revisionLink } from "../../src/storage/tree.ts";
import { expectClean } from "../support/clean.ts";
import { runCommand } from "../support/command.ts";
import { startTheirs } from "../support/drop-in.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { newTreeIn } from "../support/stored-tree.ts";

setDefaultTimeout(120_000);

const APP = parseName("team/app");

const trash = async (data: string, ...args: string[]) =>
  await runCommand(trashCommand, [...args, "--data", data]);

/** Makes everything below a folder look a month old. */
async function age(folder: string): Promise<void> {
  const then = new Date(Date.now() - 30 * 86_400_000);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    await lutimes(join(entry.parentPath, entry.name), then, then);
  }
}

async function collect(data: string, now: number = Date.now()): Promise<void> {
  const rules = { grace: 3_600_000, untaggedAfter: undefined, purge: false, consent: true };
  await collectFolder({ folder: data, now, ...rules }, null, () => undefined);
}

/** The tree of another registry, with a tag, and an untagged index of two images that was collected. */
async function collected(
  folder: Folder,
): Promise<{ data: string; gone: Fixture; before: string[] }> {
  const data = folder.at("data");
  const tree = newTreeIn(data);
  const gone = index([image({ layers: 2 }), image()]);
  await tree.put(APP, image(), "kept");
  await tree.put(APP, gone);
  await tree.put(parseName("team/empty"), image());
  const before = await treeFiles(data);
  await age(data);
  await collect(data);
  return { data, gone, before };
}

const treeFiles = async (data: string): Promise<string[]> =>
  (await filesBelow(join(data, "docker"))).toSorted();

/** Of a tree, whatever lies beside it. */
async function expectTreeClean(data: string): Promise<void> {
  await rm(join(data, "wharfinger"), { recursive: true });
  await expectClean(data);
}

test("all that a collection removed from another registry's folder comes back, file by file", async () => {
  await using folder = await temporaryFolder();
  const { data, before } = await collected(folder);
  expect((await treeFiles(data)).length).toBeLessThan(before.length / 2);
  const listed = await trash(data, "list");
  expect(listed.out).toHaveLength(5);

  const { exit, out } = await trash(data, "restore", "--run", "1", "--yes");

  expect([exit, out.length]).toEqual([0, 4]);
  expect(await treeFiles(data)).toEqual(before);
  expect((await trash(data, "list", "--all")).out).toEqual([]);
  expect(await filesBelow(join(data, "wharfinger", "trash"))).toEqual([]);
  // As young as what was pushed just now: the next collection leaves it.
  await collect(data);
  expect(await treeFiles(data)).toEqual(before);
  await expectTreeClean(data);
});

test("one manifest comes back with what it needs, and nothing else", async () => {
  await using folder = await temporaryFolder();
  const { data, gone } = await collected(folder);

  const { exit } = await trash(data, "restore", `team/app@${gone.digest}`, "--yes");

  expect(exit).toBe(0);
  const files = (await treeFiles(data)).join("\n");
  for (const { digest } of [gone, ...gone.children]) {
    expect(files).toContain(revisionLink(APP, parseDigest(digest)).slice("docker/".length));
  }
  expect(files).not.toContain("team/empty");
  await expectTreeClean(data);
});

test("a damaged file in the trash keeps only its own image from coming back", async () => {
  await using folder = await temporaryFolder();
  const { data, gone } = await collected(folder);
  const layer = gone.children[0]!.blobs.at(-1)!.descriptor.digest;
  const { entries } = JSON.parse((await trash(data, "list", "--all", "--json")).out.join("\n"));
  const { id } = entries.find(
    (entry: { kind: string; digest: string }) => entry.kind === "blob" && entry.digest === layer,
  );
  await Bun.write(join(data, "wharfinger", "trash", String(id)), "damaged");

  const { exit, err } = await trash(data, "restore", "--all", "--yes");

  expect(exit).toBe(3);
  expect(err.join("\n")).toContain(`the bytes of ${layer} in the trash are damaged`);
  await expectTreeClean(data);
});

test("emptying it frees everything but what somebody has begun to need, which goes back", async () => {
  await using folder = await temporaryFolder();
  const { data, gone } = await collected(folder);
  // As a registry that remembers its blobs takes a push: no bytes, and no link to what was linked before.
  const layer = gone.children[1]!.blobs.at(-1)!;
  const late = image({ layers: [{ ...layer, diffId: layer.descriptor.digest }] });
  await newTreeIn(data).put(APP, late, "late");
  const digest = parseDigest(layer.descriptor.digest);
  await rm(join(data, blobPath(digest)));
  expect(await Bun.file(join(data, layerLink(APP, digest))).text()).toBe(
    Buffer.from(linkBytes(digest)).toString(),
  );

  const { exit, out } = await trash(data, "empty", "--yes");

  expect([exit, out]).toEqual([0, [expect.stringMatching(/^freed \d+ entries, /)]]);
  expect(await Bun.file(join(data, blobPath(digest))).bytes()).toEqual(layer.bytes);
  expect(await filesBelow(join(data, "wharfinger", "trash"))).toEqual([]);
  expect((await trash(data, "list", "--all")).err).toEqual(["the trash is empty"]);
  await expectTreeClean(data);
});

test("each collection frees what is old in it, and leaves what is younger", async () => {
  await using folder = await temporaryFolder();
  const { data } = await collected(folder);
  const hour = 3_600_000;

  await collect(data, Date.now() + 23 * hour);
  expect((await trash(data, "list")).out).toHaveLength(5);
  await collect(data, Date.now() + 25 * hour);

  expect((await trash(data, "list", "--all")).out).toEqual([]);
  expect(await filesBelow(join(data, "wharfinger", "trash"))).toEqual([]);
  expect((await trash(data, "restore", "--all", "--yes")).err).toEqual([
    "the trash has nothing of it",
  ]);
});

test("a restore that is killed anywhere is ended by the next, and loses nothing", async () => {
  await using folder = await temporaryFolder();
  const data = folder.at("data");
  const tree = newTreeIn(data);
  for (let at = 0; at < 20; at++)
    await tree.put(parseName(`team/r${at % 4}`), image({ layers: 2 }));
  const before = await treeFiles(data);
  await age(data);
  await collect(data);
  expect(await treeFiles(data)).toEqual([]);
  const main = join(import.meta.dir, "..", "..", "src", "main.ts");
  const command = [process.execPath, main, "trash", "restore", "--all", "--yes", "--data", data];
  let cut = 0;
  for (let round = 0; round < 3; round++) {
    const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
    // From the moment on in which it has begun.
    const begun = (await treeFiles(data)).length;
    while (child.exitCode === null && (await treeFiles(data)).length === begun) await Bun.sleep(1);
    await Bun.sleep(Math.random() * 20);
    child.kill("SIGKILL");
    await child.exited;
    if (child.signalCode === "SIGKILL") cut++;
  }
  expect(cut).toBeGreaterThan(0);

  const { exit } = await trash(data, "restore", "--all", "--yes");

  expect(exit).toBe(0);
  const after = (await treeFiles(data)).filter((file) => !file.includes("/.wharfinger-"));
  expect(after).toEqual(before);
  // But for copies of manifests, which are made anew from their rows.
  expect((await trash(data, "list")).out).toEqual([]);
  await expectTreeClean(data);
});

group("beside docker-registry", ["docker-registry"], () => {
  test("nothing is freed, and everything can be restored", async () => {
    await using folder = await temporaryFolder();
    const { data, gone, before } = await collected(folder);
    const config = folder.at("config.yml");
    await Bun.write(config, "version: 0.1\nstorage: { filesystem: {} }\n");
    await using server = await startTheirs({ config, data });

    const emptied = await trash(data, "empty", "--yes");
    expect([emptied.exit, emptied.err.at(-1)]).toEqual([
      5,
      expect.stringContaining("a registry runs on this folder"),
    ]);
    const restored = await trash(data, "restore", "--all", "--yes");

    expect(restored.exit).toBe(0);
    expect(await treeFiles(data)).toEqual(before);
    const answer = await fetch(`${server.url}/v2/team/app/manifests/${gone.digest}`, {
      headers: { accept: gone.mediaType },
    });
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(gone.bytes);
  });
});
