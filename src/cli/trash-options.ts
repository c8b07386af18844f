import type { Command } from "commander";
import { RegistryError } from "../oci/errors.ts";
import { withRegistryOptions } from "./registry-options.ts";
import type { TrashFlags, TrashPart } from "./trash-desk.ts";

/** Of every command about the trash. */
export function withTrashOptions(command: Command): Command {
  return withRegistryOptions(command)
    .option(
      "--data <DIR>",
      "the trash of a data folder; when a server has it open, that one is asked",
    )
    .option("--run <N>", "what this collection removed")
    .option("--json", "one JSON document on stdout");
}

export interface PartFlags extends TrashFlags {
  readonly run?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** The number of a run. Throws USAGE. */
export function runOf({ run }: Pick<PartFlags, "run">): number | null {
  if (run === undefined) return null;
  if (/^\d{1,15}$/.test(run)) return Number(run);
  const reason = `--run takes the number of a collection, not ${JSON.stringify(run.slice(0, 40))}`;
  throw new RegistryError("USAGE", { reason });
}

/** Names, a run, or all: exactly one of them. Throws USAGE. */
export function partOf(names: readonly string[], flags: PartFlags): TrashPart {
  const part = { names, run: runOf(flags), all: flags.all ?? false };
  const said = [names.length > 0, part.run !== null, part.all].filter(Boolean).length;
  if (said === 1) return part;
  const reason =
    said === 0 ? "say what: REF, --run or --all" : "REF, --run and --all exclude each other";
  throw new RegistryError("USAGE", { reason });
}
