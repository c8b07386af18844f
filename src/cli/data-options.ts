import type { Command } from "commander";
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeFolder } from "../auth/rewrite-file.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { RegistryError } from "../oci/errors.ts";
import { OURS } from "../storage/tree.ts";
import type { Terminal } from "./terminal.ts";

/** Which registry's data folder a command works on. */
export interface DataOptions {
  readonly config?: string;
  readonly data?: string;
}

export function withDataOptions(command: Command): Command {
  return command
    .option("-c, --config <CONFIG>", "the wharf.yaml of the registry")
    .option("--data <DIR>", "its data folder (default: what the configuration says, else ./data)");
}

/** The configuration that the registry runs with. Throws CONFIG_INVALID. */
export function configOf({ config, data }: DataOptions, { environment }: Terminal): Config {
  return loadConfig({ file: config ?? null, environment, flags: { data } });
}

/**
 * A file of ours in the data folder, which must be there: a wrong folder would take a token that no registry
 * knows. Rejects with DATA_FOLDER.
 */
export async function ownFile({ data }: Config, name: string): Promise<string> {
  const folder = resolve(data);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    const reason = `there is no folder ${folder}; say --data, or -c with the registry's configuration`;
    throw new RegistryError("DATA_FOLDER", { reason });
  }
  const ours = join(folder, OURS);
  try {
    await makeFolder(ours);
  } catch (error) {
    const reason = `${ours} cannot be created (${(error as Error).message})`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
  return join(ours, name);
}

/** The text of a file; null: there is none. Throws DATA_FOLDER. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    const reason = `${path} cannot be read (${(error as Error).message})`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}
