import type { Command } from "commander";
import { readConfig, type Sources } from "../config/load.ts";
import { configFile, withConfigArgument } from "./config-argument.ts";
import { run } from "./serve/run.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface ServeOptions {
  readonly listen?: string;
  readonly data?: string;
  readonly config?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly debug?: boolean;
}

export function serveCommand(terminal: Terminal): Command {
  const command = subcommand("serve", terminal)
    .summary("run the registry")
    .description(
      "Runs the registry until it is stopped (Ctrl-C or SIGTERM; transfers under way end first).\n" +
        "SIGHUP makes it read its configuration again.\n" +
        "Without a configuration it listens on 127.0.0.1:5000 and keeps its data in ./data.",
    );
  return withConfigArgument(command)
    .option("--listen <HOST:PORT>", "where to listen; :5000 means every address")
    .option(
      "--data <DIR>",
      "where images are kept; a folder of registry:2 or registry:3 is taken as it is",
    )
    .option("-q, --quiet", "log warnings and errors only, as log.level: warn")
    .option("-v, --verbose", "log every request, as log.level: debug")
    .option("--debug", "the same as --verbose")
    .addHelpText("after", EXAMPLES)
    .action(async (argument: string | undefined, options: ServeOptions) => {
      const { listen, data, config, quiet, verbose, debug } = options;
      const level = verbose || debug ? "debug" : quiet ? "warn" : undefined;
      const file = configFile(argument, config);
      await serve(file, { listen, data, "log.level": level }, terminal);
    });
}

/** Runs the registry with a configuration, or without any, until it is stopped. */
export async function serve(
  file: string | null,
  flags: Sources["flags"],
  terminal: Terminal,
): Promise<void> {
  const { environment } = terminal;
  await run(() => readConfig({ file, environment, flags }), terminal);
}

const EXAMPLES = `
Examples:
  wharf serve                               a registry on 127.0.0.1:5000, data in ./data
  wharf serve --listen 127.0.0.1:8080       on another port
  wharf serve --data /var/lib/registry      with the data of a registry:2
  wharf serve wharf.yaml                    with a configuration file
  wharf serve /etc/docker/registry/config.yml   with that of a registry:2, and its REGISTRY_… variables

Then push a first image:
  skopeo copy --dest-tls-verify=false docker-archive:app.tar docker://127.0.0.1:5000/app:1
  docker tag app 127.0.0.1:5000/app:1 && docker push 127.0.0.1:5000/app:1

Settings may also come from the environment: WHARF_LISTEN, WHARF_DATA, WHARF_LOG_LEVEL, …`;
