import type { Command } from "commander";
import { stringify } from "yaml";
import { type AnyLoaded, readAnyConfig } from "../config/any.ts";
import { configFile, withConfigArgument } from "./config-argument.ts";
import { jsonDocument } from "./json.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface CheckOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `wharf config`: everything about the configuration that needs no running registry. */
export function configCommand(terminal: Terminal): Command {
  return subcommand("config", terminal)
    .summary("check a configuration")
    .addCommand(checkCommand(terminal));
}

function checkCommand(terminal: Terminal): Command {
  const command = subcommand("check", terminal)
    .showHelpAfterError("See: wharf config check --help")
    .summary("say whether a configuration is right, and what would be in force")
    .description(
      "Reads a configuration as `wharf serve` would, with its variables, and prints all settings that would\n" +
        "be in force, as a wharf.yaml, secrets hidden. Starts nothing, opens no data. Exit code 2: it is wrong.",
    );
  return withConfigArgument(command)
    .option("--json", "one JSON document")
    .option("-q, --quiet", "print nothing but what is wrong")
    .action((argument: string | undefined, options: CheckOptions) => {
      const file = configFile(argument, options.config);
      const loaded = readAnyConfig({ file, environment: terminal.environment, flags: {} });
      if (options.quiet === true) return;
      if (options.json === true) terminal.print(document(file, loaded));
      else print(file, loaded, terminal);
    });
}

function document(
  file: string | null,
  { kind, tool, settings, warnings, needless }: AnyLoaded,
): string {
  return jsonDocument({ file, kind, tool, settings, warnings, needless });
}

function print(file: string | null, loaded: AnyLoaded, terminal: Terminal): void {
  for (const warning of loaded.warnings) terminal.note(`warning: ${warning}`);
  if (loaded.needless.length > 0) {
    terminal.note(`not needed here: ${loaded.needless.join(", ")}`);
  }
  const whose = loaded.kind === "distribution" ? "the distribution registry" : loaded.tool;
  const source = whose === null ? (file ?? "no file") : `${file}, a configuration of ${whose}`;
  terminal.print(`# What would be in force with ${source}`);
  terminal.print(stringify(loaded.settings, { lineWidth: 0 }).trimEnd());
}
