import type { Command } from "commander";
import { RegistryError } from "../oci/errors.ts";

/** Lets a command take a configuration, as its argument or as an option: people know both. `what`: which ones. */
export function withConfigArgument(
  command: Command,
  what = "a wharf.yaml, or the config.yml of a registry:2 or registry:3",
): Command {
  return command.argument("[CONFIG]", what).option("-c, --config <FILE>", "the same as CONFIG");
}

/** The file that was named; null: none. Throws USAGE for two different ones. */
export function configFile(
  argument: string | undefined,
  option: string | undefined,
): string | null {
  if (argument !== undefined && option !== undefined && argument !== option) {
    throw new RegistryError("USAGE", { reason: "two configurations: CONFIG and --config" });
  }
  return argument ?? option ?? null;
}
