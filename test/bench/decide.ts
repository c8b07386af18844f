/**
 * What it takes to decide a million tags: in one repository, and in a thousand. No other registry does the
 * like, so the targets are figures, not ratios.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { wharfGc } from "./commands.ts";
import type { CommandGroup, CommandRun } from "./row.ts";

const script = join(import.meta.dir, "decide-million.ts");

/** The peak of each row of a round, by its folder. */
const peaks = new Map<string, number>();

async function decide({ clients, data }: CommandRun, repositories: number): Promise<number> {
  const words = [process.execPath, script, `${repositories}`];
  const { output, peakMemory } = await clients.command(words, join(dirname(data), "output"));
  const { seconds, deleted } = JSON.parse(output) as { seconds: number; deleted: number };
  // Nothing, or all of it, is decided quickly.
  if (deleted < 300_000 || deleted > 900_000) throw new Error(`${deleted} tags would go`);
  peaks.set(data, Math.max(peaks.get(data) ?? 0, peakMemory));
  return seconds;
}

export const decideMillion: CommandGroup = {
  space: 0,
  tools: { ours: wharfGc },
  prepare: async (data) => void (await mkdir(dirname(data), { recursive: true })),
  rows: [
    {
      name: "decide",
      title: "1,000,000 tags of 1,000 repositories decided, CPU",
      unit: "s",
      target: { below: 5 },
      measure: (run) => decide(run, 1000),
    },
    {
      name: "decide-memory",
      title: "the same, peak memory with the largest repository",
      unit: "MB",
      target: { below: 1000 },
      measure: async ({ data }) => peaks.get(data) ?? Number.NaN,
    },
    {
      name: "decide-one",
      title: "1,000,000 tags of one repository decided, CPU",
      unit: "s",
      target: { below: 5 },
      measure: (run) => decide(run, 1),
    },
    {
      name: "decide-one-memory",
      title: "the same, peak memory with all that is known of it",
      unit: "MB",
      target: { below: 1000 },
      measure: async ({ data }) => peaks.get(data) ?? Number.NaN,
    },
  ],
};
