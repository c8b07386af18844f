import { accessSync, constants } from "node:fs";
import { readConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { StopSignals, WorkDone } from "../work.ts";
import { collectByCommand } from "./command.ts";
import { collectInHarbor } from "./harbor.ts";
import { type Say, collectTree } from "./tree.ts";

type Entry = Config["registries"][number];

/** Where collectors run. */
export interface CollectContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly say: Say;
}

export type Collect = (stop: StopSignals) => Promise<WorkDone>;

/** In the image of registry:2; that of registry:3 has another one. */
const CONFIG = "/etc/docker/registry/config.yml";

/**
 * What collects for a registry; null: nothing. Throws CONFIG_INVALID for what can be seen to be wrong
 * before anything is done: a configuration that cannot be read, a program that is not there.
 */
export function collectorOf(entry: Entry, context: CollectContext): Collect | null {
  const { collect, name } = entry;
  if (collect === undefined) return null;
  const { environment, now, say } = context;
  const invalid = (reason: string): RegistryError =>
    new RegistryError("CONFIG_INVALID", { reason: `registries: ${name}: collect: ${reason}` });
  const program = (names: readonly string[]): string => {
    const PATH = environment["PATH"] ?? "";
    const found = names.map((one) => Bun.which(one, { PATH })).find((path) => path !== null);
    if (found) return found;
    throw invalid(`${names.join(" and ")}: no such program on the PATH`);
  };
  const folderIn = (file: string): string => rootOf(file, environment, invalid);
  switch (collect.with) {
    case "none":
      return null;
    case "harbor":
      return async (stop) => await collectInHarbor(entry, environment, stop, say);
    case "tree": {
      const { data, config, grace, deleteUntagged = true } = collect;
      const folder = data ?? folderIn(config ?? CONFIG);
      return async (stop) => await collectTree({ folder, grace, deleteUntagged }, stop, now(), say);
    }
    case "registry": {
      const { data, config = CONFIG, deleteUntagged } = collect;
      const names =
        collect.program === undefined ? ["docker-registry", "registry"] : [collect.program];
      const settings = {
        collector: collect.with,
        command: [program(names)],
        config,
        deleteUntagged,
        folder: data ?? folderIn(config),
        environment: forRegistry(environment),
      };
      return async () => await collectByCommand(settings, say);
    }
    case "docker-exec": {
      const { data, config = CONFIG, deleteUntagged, container = "" } = collect;
      const settings = {
        collector: collect.with,
        command: [program(["docker"]), "exec", container, collect.program ?? "registry"],
        config,
        deleteUntagged,
        folder: data ?? null,
        environment: forRegistry(environment),
      };
      return async () => await collectByCommand(settings, say);
    }
  }
}

/** The folder that a configuration of the distribution registry names. Throws what `invalid` makes. */
export function rootOf(
  file: string,
  environment: CollectContext["environment"],
  invalid: (reason: string) => RegistryError,
): string {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw invalid(`${file}: it cannot be read (${(error as Error).message})`);
  }
  const name = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY";
  const root = environment[name];
  const { config, kind } = readConfig({
    file,
    environment: root === undefined ? {} : { [name]: root },
    flags: {},
  });
  if (kind !== "distribution") throw invalid(`${file}: it is no config.yml of a registry`);
  return config.data;
}

/** What is ours, and the old sidecar's, is none of the registry's: its own variables begin in the same way. */
function forRegistry(environment: CollectContext["environment"]): CollectContext["environment"] {
  const ours = /^(?:WHARF_.*|REGISTRY_(?:URL|USER|PASS|DIR))$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ours.test(name)));
}
