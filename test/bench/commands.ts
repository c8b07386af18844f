/**
 * The commands that are compared: how each collects the garbage of a folder. Every one runs to its end,
 * timed from its start to its exit, and prints into a file.
 */
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clients } from "./load.ts";
import { run } from "./processes.ts";

export interface Finished {
  readonly seconds: number;
  /** The most memory that was ever resident, in MB. */
  readonly peakMemory: number;
  /** What it printed. */
  readonly output: string;
}

export interface Tool {
  readonly name: string;
  /** Says what is garbage, and changes nothing. */
  plan(data: string, clients: Clients): Promise<Finished>;
  /** Frees it. */
  purge(data: string, clients: Clients): Promise<Finished>;
}

/** `theirs` is left out where the target concerns ours alone, and a round is long. */
export interface Tools {
  readonly ours: Tool;
  readonly theirs?: Tool;
}

const main = join(import.meta.dir, "../../src/main.ts");

export const wharfGc: Tool = {
  name: "wharf",
  plan: (data, clients) => wharf(clients, data, "--dry-run"),
  purge: (data, clients) => wharf(clients, data, "--yes", "--purge"),
};

async function wharf(clients: Clients, data: string, ...flags: string[]): Promise<Finished> {
  return clients.command([process.execPath, main, "gc", data, "--json", ...flags], outputOf(data));
}

export const registryGc: Tool = {
  name: "registry",
  plan: async (data, clients) => registry(clients, data, "--dry-run"),
  purge: async (data, clients) => registry(clients, data),
};

async function registry(clients: Clients, data: string, ...flags: string[]): Promise<Finished> {
  const file = join(dirname(data), "config.yml");
  await writeFile(
    file,
    `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${JSON.stringify(data)} } }
`,
  );
  const words = ["docker-registry", "garbage-collect", "--delete-untagged", ...flags, file];
  return clients.command(words, outputOf(data));
}

/** The limit of what can be had: to look at every file, and to remove exactly those that are dead. */
export const coreutils: Tool = {
  name: "coreutils",
  plan: (data, clients) =>
    clients.command(
      ["find", data, "-type", "f", "-printf", String.raw`%s %T@ %p\n`],
      outputOf(data),
    ),
  purge: (data, clients) =>
    clients.command(["xargs", "-0", "-a", deadList(data), "rm", "-rf"], outputOf(data)),
};

/** Where the folders stand that `coreutils` removes, each followed by a zero byte. */
export function deadList(data: string): string {
  return join(dirname(data), "dead");
}

/** How many files a tree has. */
export async function countFiles(data: string): Promise<number> {
  const output = await run(["find", join(data, "docker"), "-type", "f", "-printf", "."], 600);
  return output.length;
}

function outputOf(data: string): string {
  return join(dirname(data), "output");
}
