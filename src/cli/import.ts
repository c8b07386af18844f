import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Command, Option } from "commander";
import { readAnyConfig, translationOf } from "../config/any.ts";
import { renderWharfYaml } from "../config/legacy/render.ts";
import { TOOLS, type Tool } from "../config/legacy/translation.ts";
import { RegistryError } from "../oci/errors.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface ImportOptions {
  readonly from?: Tool;
  readonly output?: string;
}

/** `wharf import`: another tool's configuration as a wharf.yaml. */
export function importCommand(terminal: Terminal): Command {
  return subcommand("import", terminal)
    .summary("make a wharf.yaml of another tool's configuration")
    .description(
      "Translates a configuration of registry-gc (its variables, or a Compose file that has them), of " +
        "cleanup-script (config.json), registry-manager (config.yml) or manifest-cleanup (its variables) into a " +
        "wharf.yaml, with a comment wherever something is done in another way, and why. Secrets are not written: " +
        "variables stand for them. Contacts no registry, and replaces no file.",
    )
    .argument(
      "[FILE]",
      "the configuration; none: the variables of the environment, of the tool of --from",
    )
    .addOption(
      new Option("--from <TOOL>", "whose it is; without it told by its shape").choices(TOOLS),
    )
    .option("-o, --output <FILE>", "where to write it (default: standard output)")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string | undefined, options: ImportOptions) => {
      await importConfig(file ?? null, options, terminal);
    });
}

const EXAMPLES = `
Examples:
  wharf import config.json                       prints it
  wharf import config.yml -o wharf.yaml          writes it
  wharf import --from registry-gc -o wharf.yaml  of the variables that are set here
  wharf import compose.yml --from registry-gc    of the variables of a service`;

async function importConfig(
  file: string | null,
  { from, output }: ImportOptions,
  terminal: Terminal,
): Promise<void> {
  if (file === null && from === undefined) {
    throw new RegistryError("USAGE", {
      reason: "name a FILE, or the tool whose variables are set: --from",
    });
  }
  const sources = { file, environment: terminal.environment, flags: {}, told: from };
  const translation = translationOf(sources);
  if (translation === null) throw notTheirs(file, from);
  // What it says must be right as well: a wharf.yaml that does not start is no help.
  readAnyConfig(sources);
  const source = file === null ? "the environment" : basename(file);
  const text = renderWharfYaml(translation, source);
  if (output === undefined) return await terminal.output(text);
  await write(output, text, terminal);
}

async function write(output: string, text: string, terminal: Terminal): Promise<void> {
  const there = textIn(output);
  if (there === text) return terminal.note(`${output} says this already`);
  if (there !== null) throw new RegistryError("IMPORT_EXISTS", { reason: output });
  try {
    // It may exist by now: whoever made it meanwhile is not overwritten either.
    await writeFile(output, text, { flag: "wx" });
  } catch (error) {
    throw unusable(output, error);
  }
  terminal.note(`wrote ${output}`);
}

/** Null: there is no such file. */
function textIn(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unusable(path, error);
  }
}

function unusable(output: string, error: unknown): RegistryError {
  const reason = `${output} cannot be written (${(error as Error).message})`;
  return new RegistryError("USAGE", { reason }, { cause: error });
}

function notTheirs(file: string | null, from: Tool | undefined): RegistryError {
  const what = file ?? "the environment";
  const reason =
    from === undefined
      ? `${what} is not the configuration of ${TOOLS.join(", ")}; a wharf.yaml, and the config.yml of ` +
        "registry:2 and registry:3, are taken as they are"
      : `${what} is not the configuration of ${from}`;
  return new RegistryError("USAGE", { reason });
}
