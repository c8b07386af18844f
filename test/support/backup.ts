import { expect } from "bun:test";
import { backupCommand } from "../../src/cli/backup.ts";
import { restoreCommand } from "../../src/cli/restore.ts";
import { type Person, type Ran, runCommand } from "./command.ts";

/** Makes a backup of a data folder, which must work, and returns what it says with --json. */
export async function backUp(
  data: string,
  target: string,
  ...flags: string[]
): Promise<MadeBackup> {
  const ran = await runBackup(target, "--data", data, "--json", ...flags);
  expect([ran.exit, ran.err]).toEqual([0, []]);
  return JSON.parse(ran.out.join("\n")) as MadeBackup;
}

export interface MadeBackup {
  readonly list: string;
  readonly whole: { readonly blobs: number; readonly bytes: number; readonly tags: number };
  readonly here: { readonly blobs: number; readonly bytes: number };
  readonly incomplete: number;
}

export const runBackup = async (...args: string[]): Promise<Ran> =>
  await runCommand(backupCommand, args);

export const runRestore = async (...args: string[]): Promise<Ran> =>
  await runCommand(restoreCommand, args);

export const restoreAsked = async (person: Person, ...args: string[]): Promise<Ran> =>
  await runCommand(restoreCommand, args, person);

/** Restores, which must work and leave nothing out. */
export async function restoreAll(data: string, ...sources: string[]): Promise<Ran> {
  const ran = await runRestore(...sources, "--data", data, "--yes");
  expect({ exit: ran.exit, last: ran.err.at(-1) }).toMatchObject({ exit: 0 });
  return ran;
}
