/**
 * What it takes to find and to remove the garbage of a folder: ours against the other registry's
 * `garbage-collect`, and against `find` and `rm`, which need not think.
 *
 * Each side of each round has a tree of its own, just written: its files are in the page cache for all.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { type Tool, coreutils, countFiles, deadList, registryGc, wharfGc } from "./commands.ts";
import {
  type GarbageShape,
  type GarbageTree,
  halfGarbage,
  writeGarbageTree,
} from "./garbage-tree.ts";
import type { CommandGroup, CommandRun, Row } from "./row.ts";

const GiB = 2 ** 30;
const files = "111,006 files, 50,001 of them garbage";
const tenTimes: GarbageShape = { ...halfGarbage, repositories: halfGarbage.repositories * 10 };

const trees = new Map<string, GarbageTree>();

function prepare(shape: GarbageShape): NonNullable<CommandGroup["prepare"]> {
  return async (data) => {
    await mkdir(data, { recursive: true });
    const tree = writeGarbageTree(data, shape);
    trees.set(data, tree);
    await writeFile(deadList(data), tree.deadFolders.map((folder) => `${folder}\0`).join(""));
  };
}

/** The largest peak of a round so far. */
const peaks = new Map<string, number>();

type Work = "plan" | "purge";

async function seconds(work: Work, { tool, data, clients }: CommandRun): Promise<number> {
  const finished = await tool[work](data, clients);
  peaks.set(data, Math.max(peaks.get(data) ?? 0, finished.peakMemory));
  const left = await countFiles(data);
  const expected = work === "plan" ? treeOf(data).files : leftBy(tool, treeOf(data));
  if (left !== expected) {
    const all = `${left} files are left instead of ${expected}`;
    throw new Error(`${tool.name} ${work}: ${all}; it said ${finished.output.slice(-1000)}`);
  }
  return finished.seconds;
}

/** The other registry leaves the links of the layers that it removes. */
function leftBy(tool: Tool, { live, dead }: GarbageTree): number {
  return tool === registryGc ? live + dead.links - dead.manifests : live;
}

function treeOf(data: string): GarbageTree {
  const tree = trees.get(data);
  if (tree === undefined) throw new Error(`There is no tree in ${data}.`);
  return tree;
}

function row(work: Work, rest: Omit<Row<CommandRun>, "measure" | "unit">): Row<CommandRun> {
  return { ...rest, unit: "s", measure: (run) => seconds(work, run) };
}

export const gcTree: CommandGroup = {
  space: 2 * GiB,
  tools: { ours: wharfGc, theirs: registryGc },
  prepare: prepare(halfGarbage),
  rows: [
    row("plan", {
      name: "gc-plan",
      title: `garbage of ${files}: plan`,
      target: { atMost: 1 / 6 },
    }),
    row("purge", {
      name: "gc-purge",
      title: "the same, removed for good",
      target: { atMost: 1 / 3 },
    }),
    {
      name: "gc-memory",
      title: "the same, peak memory of both",
      unit: "MB",
      target: { below: 150 },
      measure: async ({ data }) => peaks.get(data) ?? Number.NaN,
    },
  ],
};

export const gcLimit: CommandGroup = {
  space: 2 * GiB,
  tools: { ours: wharfGc, theirs: coreutils },
  prepare: prepare(halfGarbage),
  rows: [
    row("plan", {
      name: "gc-find",
      title: `garbage of ${files}: plan, against find`,
      target: { none: true },
    }),
    row("purge", {
      name: "gc-rm",
      title: "the same, removed for good, against rm of what is garbage",
      target: { atMost: 2 },
    }),
  ],
};

export const gcTenTimes: CommandGroup = {
  rounds: 1,
  space: 11 * GiB,
  tools: { ours: wharfGc },
  prepare: prepare(tenTimes),
  rows: [
    {
      name: "gc-memory-10",
      title: "garbage of 1,110,006 files, planned and removed: peak memory",
      unit: "MB",
      target: { below: 300 },
      async measure(run) {
        await seconds("plan", run);
        await seconds("purge", run);
        return peaks.get(run.data) ?? Number.NaN;
      },
    },
  ],
};
