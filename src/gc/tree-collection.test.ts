import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openSqlite } from "../metadata/sqlite.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { treeFiles } from "../storage/tree-files.ts";
import { blobPath, layerLink, leavingPath, linkBytes } from "../storage/tree.ts";
import { writeSmall } from "../storage/write-small.ts";
import { TreeCollection } from "./tree-collection.ts";
import { lookAtTree } from "./tree-look.ts";
import { takeAll } from "./tree-policy-fixtures.ts";

const app = parseName("team/app");
const REGISTRY = "a registry runs on this folder (process 1)";

/** A tree with blobs that only links of layers name: garbage. */
async function garbage(count = 3) {
  const root = await mkdtemp(join(tmpdir(), "wharf-collection-"));
  const blobs: Digest[] = [];
  for (let at = 0; at < count; at++) {
    const bytes = Buffer.from(`layer ${at}`);
    const digest = digestOf(bytes);
    blobs.push(digest);
    writeSmall(root, [
      { path: blobPath(digest), bytes },
      { path: layerLink(app, digest), bytes: linkBytes(digest) },
    ]);
  }
  return {
    root,
    blobs,
    inPlace: () => blobs.map((digest) => existsSync(join(root, blobPath(digest)))),
    [Symbol.asyncDispose]: async () => await rm(root, { recursive: true }),
  };
}

/** A run. `sees`: the registries that are seen to run, at each look for them. */
function run(root: string, purge: boolean, sees: () => readonly string[], stop?: AbortSignal) {
  const files = treeFiles(root);
  const collection = async (): Promise<TreeCollection> =>
    new TreeCollection({
      files,
      policy: takeAll(),
      purge,
      metadata: purge ? null : await openSqlite(join(root, "wharfinger", "metadata.sqlite")),
      writers: sees,
      stop,
    });
  return {
    apply: async () => await (await collection()).apply(await lookAtTree(files, takeAll())),
    recover: async () => await (await collection()).recover(),
  };
}

test("when a registry starts during a purge, all that was put aside comes back at once", async () => {
  await using tree = await garbage();
  const moved = (): boolean => existsSync(join(tree.root, leavingPath(tree.blobs[0]!)));

  const purge = run(tree.root, true, () => (moved() ? [REGISTRY] : [])).apply();

  const refused: unknown = await purge.catch((error: unknown) => error);
  expect(refused).toMatchObject({ kind: "REFUSED", message: expect.stringContaining(REGISTRY) });
  expect(tree.inPlace()).toEqual([true, true, true]);
});

test.each([
  ["another run, beside a registry that was started since", false, [REGISTRY]],
  ["another run, which purges nothing", false, []],
  ["a purge, beside a registry that was started since", true, [REGISTRY]],
] as const)("what a purge that was killed has put aside comes back with %s", async (_, ...how) => {
  await using tree = await garbage();
  const [purge, running] = how;
  for (const digest of tree.blobs) {
    const aside = join(tree.root, leavingPath(digest));
    await mkdir(dirname(aside), { recursive: true });
    await rename(join(tree.root, blobPath(digest)), aside);
  }

  await run(tree.root, purge, () => running).recover();

  expect(tree.inPlace()).toEqual([true, true, true]);
});

test("a run that is asked to stop begins nothing more, and what it leaves is whole", async () => {
  await using tree = await garbage();
  const stop = new AbortController();
  stop.abort();

  const outcome = await run(tree.root, true, () => [], stop.signal).apply();

  expect(outcome.stopped).toBe(true);
  expect(outcome.blobs).toBe(0);
  expect(tree.inPlace()).toEqual([true, true, true]);
});
