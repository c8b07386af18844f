import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { age } from "../../test/support/aged.ts";
import { filesBelow, temporaryFolder } from "../../test/support/folder.ts";
import { image, index } from "../../test/support/image.ts";
import { newTreeIn } from "../../test/support/stored-tree.ts";
import { startRegistry } from "../../test/protocol/support/registry.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { failureOf } from "../../test/support/failure.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import type { PruneTarget } from "../plan/prune-target.ts";
import { tagCurrentLink, tagIndexLink } from "../storage/tree.ts";
import { openTreeToCollect } from "./open-tree.ts";
import { openTrashFolder } from "./trash/open-folder.ts";
import { parseChoice } from "./trash/names.ts";
import { restoreTrash } from "./trash/restore.ts";
import { TreePruning } from "./tree-prune.ts";
import { treeTarget } from "./tree-target.ts";

setDefaultTimeout(60_000);

const APP = parseName("team/app");
const [V1, V2] = [parseTag("v1"), parseTag("v2")];
const digestOf = ({ digest }: { readonly digest: string }): Digest => parseDigest(digest);

function targetOf(folder: string, warnings: string[] = []): PruneTarget {
  return treeTarget({
    folder,
    created: true,
    now: Date.now,
    warn: (line) => void warnings.push(line),
  });
}

async function treeFilesOf(data: string): Promise<string[]> {
  const files = await filesBelow(data);
  return files.filter((path) => !path.startsWith("wharfinger/")).toSorted();
}

async function restore(data: string, ...names: readonly string[]): Promise<void> {
  await using open = await openTrashFolder(data, "restore", false, () => undefined);
  const events = await Array.fromAsync(restoreTrash(parseChoice(names, null, false), open.place));
  expect(events.at(-1)).toMatchObject({ done: { failed: 0 } });
}

describe("the folder of another registry", () => {
  test("is read as it lies, with the times of its links, and nothing is written", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const tree = newTreeIn(data);
    const one = image({ created: "2026-01-02T03:04:05Z" });
    const both = index([one, image({ created: "2020-01-01T00:00:00Z" })]);
    await tree.put(APP, both, "v1");
    await tree.put(parseName("b"), one, "x");
    await age(data, 10);
    const before = await filesBelow(data);

    const target = targetOf(data);
    expect((await Array.fromAsync(target.repositories())) as string[]).toEqual(["b", APP]);
    const inventory = await target.inventoryOf(APP);
    const tenDays = Date.now() - 10 * 86_400_000;
    expect(inventory?.tags).toEqual([
      { tag: V1, digest: digestOf(both), pushedAt: expect.any(Number) as number },
    ]);
    expect(Math.abs((inventory?.tags[0]?.pushedAt ?? 0) - tenDays)).toBeLessThan(600_000);
    const found = inventory?.manifests.find(({ digest }) => digest === digestOf(both));
    expect(found).toMatchObject({
      createdAt: Date.parse("2026-01-02T03:04:05Z"),
      pulledAt: null,
      children: both.children.map(digestOf),
    });
    expect(inventory?.pullsSince).toBeNull();
    expect(await target.resolve(APP, V1)).toBe(digestOf(both));
    expect(await target.resolve(APP, V2)).toBeNull();
    expect(await target.inventoryOf(parseName("nobody"))).toBeNull();
    await target.close();
    expect(await filesBelow(data)).toEqual(before);
  });

  test("keeps a manifest that has got another tag", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const tree = newTreeIn(data);
    const one = image();
    await tree.put(APP, one, "v1", "release");
    const target = targetOf(data);

    const failure = await failureOf(target.deleteManifest(APP, digestOf(one), [parseTag("v1")]));

    expect(failure).toMatchObject({ kind: "REFUSED" });
    expect((await target.inventoryOf(APP))?.tags).toHaveLength(2);
    await target.deleteManifest(APP, digestOf(one), [parseTag("v1"), parseTag("release")]);
    expect((await target.inventoryOf(APP))?.tags).toEqual([]);
    await target.close();
  });

  test("loses what it is told to, blobs excepted, and gets it back from the trash", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const tree = newTreeIn(data);
    const [one, two] = [image(), image()];
    const both = index([one, two]);
    const shared = image();
    await tree.put(APP, both, "v1", "v2");
    await tree.put(APP, shared, "keep", "drop");
    const before = await treeFilesOf(data);
    const target = targetOf(data);

    for (let time = 1; time <= 2; time++) {
      await target.removeTag(APP, parseTag("drop"));
      for (const each of [both, one, two]) await target.deleteManifest(APP, digestOf(each));
    }
    const after = await target.inventoryOf(APP);
    expect(after?.tags.map(({ tag }) => tag as string)).toEqual(["keep"]);
    expect(after?.manifests.map(({ digest }) => digest)).toEqual([digestOf(shared)]);
    expect(after?.unreadable).toEqual([]);
    await target.close();
    const left = await treeFilesOf(data);
    expect(left.filter((path) => path.includes("/v1/") || path.includes("/drop/"))).toEqual([]);
    expect(left.filter((path) => path.includes("/blobs/"))).toEqual(
      before.filter((path) => path.includes("/blobs/")),
    );

    await restore(data, `${APP}:v1`, `${APP}:v2`, `${APP}:drop`);
    expect(await treeFilesOf(data)).toEqual(before);
  });

  test("keeps a tag that was pushed at the moment of its removal", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const tree = newTreeIn(data);
    const [old, young] = [image(), image()];
    await tree.put(APP, old, "v1");
    await tree.put(APP, young, "other");
    await using open = await openTreeToCollect(data, true);
    const { metadata, files } = open;
    const pruning = new TreePruning({
      files,
      now: Date.now,
      metadata: {
        ...metadata!,
        async addTrash(rows) {
          writeFileSync(join(data, tagCurrentLink(APP, V1)), young.digest);
          return await metadata!.addTrash(rows);
        },
      },
    });

    const refused: unknown = await pruning.removeTag(APP, V1).catch((error: unknown) => error);
    expect((refused as Error).message).toContain("pushed meanwhile");
    expect(files.text(tagCurrentLink(APP, V1), 200)?.text).toBe(young.digest);
    expect(await metadata!.sumTrash()).toEqual({ entries: 0, bytes: 0 });
  });

  test("gets back by itself what somebody has begun to need meanwhile", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const tree = newTreeIn(data);
    const [one, two, three] = [image(), image(), image()];
    for (const each of [one, two, three]) await tree.put(APP, each, each.digest.slice(7, 17));
    const before = await targetOf(data).inventoryOf(APP);
    const warnings: string[] = [];
    const target = targetOf(data, warnings);
    for (const each of [one, two, three]) await target.deleteManifest(APP, digestOf(each));
    // As a registry does that checked them a moment before.
    await tree.put(APP, index([one]), "multi", "nobody");
    writeTag(data, "again", two.digest);

    await target.close();
    expect(warnings).toEqual([`${APP}@${two.digest} was put back: somebody has begun to need it`]);
    const after = await targetOf(data).inventoryOf(APP);
    const here = new Set(after?.manifests.map(({ digest }) => digest));
    expect([one, two, three].map((each) => here.has(digestOf(each)))).toEqual([true, true, false]);
    expect(after?.unreadable).toEqual([]);
    expect(before?.manifests).toHaveLength(3);
  });

  test("is not opened while another command of ours has it", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const one = image();
    await newTreeIn(data).put(APP, one, "v1");
    await using _ = await openTreeToCollect(data, true);
    const refused: unknown = await targetOf(data)
      .deleteManifest(APP, digestOf(one))
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: "DATA_FOLDER" });
    expect(existsSync(join(data, tagCurrentLink(APP, V1)))).toBe(true);
  });

  function writeTag(data: string, tag: string, digest: string): void {
    for (const path of [
      tagIndexLink(APP, parseTag(tag), parseDigest(digest)),
      tagCurrentLink(APP, parseTag(tag)),
    ]) {
      const at = join(data, path);
      Bun.spawnSync(["mkdir", "-p", join(at, "..")]);
      writeFileSync(at, digest);
    }
  }
});

describe("a folder of ours, while nothing serves it,", () => {
  test("says what its database knows, and loses what it is told to", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [one, two] = [image(), image()];
    let pushed = 0;
    {
      await using registry = await startRegistry({ data, now: () => 1_700_000_000_000 });
      await one.push(registry.url, APP, "v1", "v2");
      await two.push(registry.url, APP, "kept");
      await registry.ask("GET", `/v2/${APP}/manifests/v1`);
      pushed = 1_700_000_000_000;
    }
    const before = await filesBelow(data);
    const look = targetOf(data);
    const inventory = await look.inventoryOf(APP);
    expect(inventory?.tags.map(({ pushedAt }) => pushedAt)).toEqual([pushed, pushed, pushed]);
    const times = new Map(inventory?.manifests.map((each) => [each.digest, each.pulledAt]));
    expect([times.get(digestOf(one)), times.get(digestOf(two))]).toEqual([pushed, null]);
    expect(inventory?.pullsSince).toBe(pushed);
    await look.close();
    expect(await filesBelow(data)).toEqual(before);

    const target = targetOf(data);
    expect(await target.inventoryOf(APP)).toEqual(inventory);
    await target.deleteManifest(APP, digestOf(one));
    expect((await target.inventoryOf(APP))?.tags.map(({ tag }) => tag as string)).toEqual(["kept"]);
    await target.close();
    const left = (await filesBelow(data)).filter((path) => path.includes("/tags/v1/"));
    expect(left).toEqual([]);

    await using again = await startRegistry({ data });
    expect((await again.ask("HEAD", `/v2/${APP}/manifests/v1`)).status).toBe(404);
    const body = JSON.stringify({ names: [`${APP}:v1`, `${APP}:v2`] });
    await again.ask("POST", "/api/v1/trash/restore", { body });
    expect((await again.ask("HEAD", `/v2/${APP}/manifests/v2`)).status).toBe(200);
  });
});
