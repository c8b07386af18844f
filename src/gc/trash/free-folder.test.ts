import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { openSqlite } from "../../metadata/sqlite.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { treeFiles } from "../../storage/tree-files.ts";
import { temporaryFolder } from "../../../test/support/folder.ts";
import { freeOld, startOf } from "./free-folder.ts";

setDefaultTimeout(60_000);

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 10);
/** Two days ago, and as long before as a collection takes. */
const REMOVED = NOW - 48 * HOUR;

const registry = (caches: boolean, startedAt: number | null) => ({ pid: 17, caches, startedAt });

test.each([
  ["nobody runs, and nobody has written since", [], REMOVED, true],
  ["nobody runs, but somebody has written since", [], NOW - HOUR, false],
  ["a registry runs that remembers nothing", [registry(false, 0)], NOW - HOUR, true],
  ["one that caches was started after it", [registry(true, NOW - HOUR)], NOW - HOUR, true],
  ["one that caches runs since before it", [registry(true, REMOVED - HOUR)], REMOVED, false],
  ["one that caches was started at about that time", [registry(true, REMOVED)], REMOVED, false],
  ["one that caches runs, nobody knows since when", [registry(true, null)], REMOVED, false],
  [
    "one of two that cache runs since before it",
    [registry(true, NOW - HOUR), registry(true, REMOVED - HOUR)],
    REMOVED,
    false,
  ],
])("what is old in another registry's trash when %s: freed %#", async (...given) => {
  const [, running, written, goes] = given;
  await using folder = await temporaryFolder();
  const metadata = await openSqlite(join(folder.path, "metadata.sqlite"));
  const link = {
    run: 1,
    kind: "link" as const,
    repository: parseName("team/app"),
    tag: null,
    digest: parseDigest(`sha256:${"0".repeat(64)}`),
    size: 1,
    mediaType: null,
    bytes: null,
    madeAt: 0,
    reason: "",
    removedBy: null,
  };
  const young = { ...link, removedAt: NOW - 23 * HOUR };
  await metadata.addTrash([{ ...link, removedAt: REMOVED }, young]);
  const files = treeFiles(folder.path);

  const { entries, held } = await freeOld(files, metadata, { now: NOW, written }, running);

  expect(entries).toBe(goes ? 1 : 0);
  expect(held === null).toBe(goes);
  expect((await metadata.listTrash({ limit: 9 })).at(0)?.removedAt).toBe(young.removedAt);
  await metadata.close();
});

test("the start of a process is read from what the system says of it", async () => {
  const began = startOf(process.pid);

  expect(began).toBeNumber();
  expect(Math.abs(Number(began) - (Date.now() - process.uptime() * 1000))).toBeLessThan(30_000);
  expect(startOf(2 ** 22)).toBeNull();
});
