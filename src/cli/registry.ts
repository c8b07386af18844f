import { existsSync } from "node:fs";
import type { Command } from "commander";
import { distributionFile } from "../config/distribution-file.ts";
import type { CollectFlags } from "./garbage-collect-server.ts";
import { garbageCollect } from "./garbage-collect.ts";
import { serve } from "./serve.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The commands of the distribution registry's own executable, for images, charts and scripts that call it.
 * Every failure of it has exit code 1, as there.
 */
export function registryCommand(terminal: Terminal, version: string): Command {
  return (
    subcommand("registry", terminal)
      .summary("take the commands of the distribution registry: serve, garbage-collect")
      .showHelpAfterError("See: registry --help")
      .description(
        "What the executable `registry` of registry:2 and registry:3 does, with the same configuration.",
      )
      // There, and here alone, -v is the version.
      .version(`registry wharfinger ${version}`, "-v, --version", "print the version")
      .helpCommand("help [COMMAND]", "explain a command")
      .addCommand(serveCommand(terminal))
      .addCommand(collectCommand(terminal))
      .allowExcessArguments()
      .action((_, command: Command) => {
        const [unknown] = command.args;
        if (unknown !== undefined) command.error(`error: unknown command '${unknown}'`);
        terminal.print(command.helpInformation());
      })
  );
}

function serveCommand(terminal: Terminal): Command {
  return subcommand("serve", terminal)
    .showHelpAfterError("See: registry serve --help")
    .summary("run the registry with a config.yml and the variables REGISTRY_…")
    .argument(
      "[CONFIG]",
      "default: REGISTRY_CONFIGURATION_PATH, else /etc/docker/registry/config.yml, " +
        "else /etc/distribution/config.yml",
    )
    .action(async (told: string | undefined) => {
      await serve(distributionFile(told, terminal.environment, existsSync), {}, terminal);
    });
}

function collectCommand(terminal: Terminal): Command {
  return subcommand("garbage-collect", terminal)
    .showHelpAfterError("See: registry garbage-collect --help")
    .summary("remove what nobody needs, also beside a running registry")
    .description(
      "Removes blobs that no manifest needs, at once, as the original does, but to the trash: what goes can be " +
        "restored for a while with `wharf trash`. Beside a running Wharfinger that one collects.",
    )
    .argument("[CONFIG]", "as for serve")
    .option("-d, --dry-run", "only show what would be removed")
    .option("-m, --delete-untagged", "also manifests that no tag, index or subject keeps")
    .option("-q, --quiet", "say less")
    .action(async (told: string | undefined, flags: CollectFlags) => {
      const file = distributionFile(told, terminal.environment, existsSync);
      await garbageCollect(file, flags, terminal);
    });
}
