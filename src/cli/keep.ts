import { join } from "node:path";
import type { Command } from "commander";
import { type AnySources, readAnyConfig } from "../config/any.ts";
import type { Loaded } from "../config/load.ts";
import { rootOf } from "../keep/collect/choose.ts";
import { RegistryError } from "../oci/errors.ts";
import { OURS } from "../storage/tree.ts";
import { configFile, withConfigArgument } from "./config-argument.ts";
import { runKeep } from "./keep/run.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface KeepOptions {
  readonly listen?: string;
  readonly config?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly debug?: boolean;
}

export function keepCommand(terminal: Terminal): Command {
  const command = subcommand("keep", terminal)
    .summary("look after registries elsewhere: retention and collection by schedule and on events")
    .description(
      "Looks after the registries of a configuration (`registries`) until it is stopped (Ctrl-C or SIGTERM; " +
        "what goes on ends at a safe point, after a second signal at the next one). " +
        "Applies their retention and collects their garbage, by schedules, after deletes that their " +
        "notifications tell of, and when somebody asks. SIGHUP makes it read its configuration again.",
    );
  return withConfigArgument(command, CONFIG)
    .option("--listen <HOST:PORT>", "where to take notifications and requests, as keep.listen")
    .option("-q, --quiet", "log warnings and errors only, as log.level: warn")
    .option("-v, --verbose", "log every request, as log.level: debug")
    .option("--debug", "the same as --verbose")
    .addHelpText("after", EXAMPLES)
    .action(async (argument: string | undefined, options: KeepOptions) => {
      const { listen, config, quiet, verbose, debug } = options;
      const level = verbose || debug ? "debug" : quiet ? "warn" : undefined;
      const file = configFile(argument, config);
      const { environment } = terminal;
      const flags = { "keep.listen": listen, "log.level": level };
      const sources = { file, environment, flags, fromVariables: file === null };
      await runKeep(() => load(sources), terminal);
    });
}

/**
 * The old sidecar has nothing of its own on a disk, and a volume with the registry's folder: what must survive
 * a restart is put there, beside the trash, unless somebody says where.
 */
function load(sources: AnySources): Loaded {
  const loaded = readAnyConfig(sources);
  const { environment, flags } = sources;
  const [collect] = loaded.config.registries.map((entry) => entry.collect);
  const said = environment["WHARF_KEEP_STATE"] !== undefined;
  if (loaded.tool !== "registry-gc" || said || collect?.config === undefined) return loaded;
  const invalid = (reason: string): RegistryError =>
    new RegistryError("CONFIG_INVALID", { reason: `REGISTRY_CONFIGURATION_PATH: ${reason}` });
  const state = join(rootOf(collect.config, environment, invalid), OURS, "keep");
  return readAnyConfig({ ...sources, flags: { ...flags, "keep.state": state } });
}

/** The config.yml of a registry is none: it does not say what shall go, nor when. */
const CONFIG =
  "a wharf.yaml with `registries:`, or the configuration of a tool that `wharf import` knows " +
  "(default: the variables of registry-gc, where they are set)";

const EXAMPLES = `
Examples:
  wharf keep wharf.yaml                       until it is stopped
  wharf keep wharf.yaml --listen :8080        where other machines reach it
  KEEP_N=10 REGISTRY_URL=… wharf keep         with the variables of registry-gc

Let it be told what happens (config.yml of a registry:2 or registry:3):
  notifications:
    endpoints: [{ name: keep, url: http://HOST:8080/events }]

And ask it:
  curl -X POST http://127.0.0.1:8080/prune    applies the retention, then collects
  curl -X POST http://127.0.0.1:8080/gc       collects
  curl http://127.0.0.1:8080/registries       how all are doing`;
