import { readConfig } from "../config/load.ts";
import { type Config, schema } from "../config/schema.ts";
import { parseAddress } from "../client/address.ts";
import { RegistryError } from "../oci/errors.ts";
import type { PruneTarget } from "../plan/prune-target.ts";
import {
  type RegistrySettings,
  type TargetContext,
  openRegistryTarget,
} from "../plan/targets/open.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { RegistryOptions } from "./registry-options.ts";
import type { Terminal } from "./terminal.ts";

/** Which registries a command is about, as its options say it. */
export interface TargetWish extends RegistryOptions {
  /** Names in `registries:`; none: all of them. */
  readonly names: readonly string[];
  readonly config?: string;
  readonly data?: string;
}

/** A registry to plan for and to apply on, with what is in force for it. */
export interface Opened {
  readonly target: PruneTarget;
  readonly policies: readonly RetentionPolicy[];
  /** Repositories that are read or changed at once. */
  readonly concurrency: number;
  /** Where the audit is written; null: nowhere that could be written to. */
  readonly records: string | null;
  /** Who hears of what was done. */
  readonly report: Config["keep"]["report"];
}

/**
 * The registries of a command: those of a configuration, a folder, or the one of `--registry`. Each is
 * opened when it is asked for, and must be closed. Throws USAGE, CONFIG_INVALID, REMOTE, CREDENTIALS.
 */
export async function* openTargets(wish: TargetWish, terminal: Terminal): AsyncGenerator<Opened> {
  const { environment } = terminal;
  const config = wish.config === undefined ? null : configOf(wish.config, environment);
  const context: TargetContext = {
    environment,
    state: config?.keep.state ?? null,
    now: Date.now,
    warn: (line) => terminal.note(line),
  };
  if (wish.data !== undefined) {
    // OWN: a folder; through its server when one of ours has it open.
    throw new RegistryError("USAGE", { reason: "--data" });
  }
  if (config === null) {
    if (wish.names.length > 0) throw nameless(wish.names);
    // OWN: the running registry of --registry, with its policies (GET /api/v1/retention).
    throw new RegistryError("USAGE", { reason: "a running registry" });
  }
  for (const settings of chosen(config, wish)) {
    yield {
      target: await openRegistryTarget(settings, context),
      policies: config.retention,
      concurrency: settings.concurrency,
      records: config.keep.state,
      report: config.keep.report,
    };
  }
}

/** LEGACY: the old tools' files come in here, recognised by their shape. */
function configOf(file: string, environment: Terminal["environment"]): Config {
  return readConfig({ file, environment, flags: {} }).config;
}

function chosen(config: Config, { names, registry, insecure }: TargetWish): RegistrySettings[] {
  if (registry !== undefined) return [settingsOf(registry, insecure ?? false)];
  for (const name of names) {
    if (config.registries.some((one) => one.name === name)) continue;
    const known = config.registries.map((one) => one.name).join(", ") || "none";
    throw new RegistryError("USAGE", {
      reason: `registries: has no ${JSON.stringify(name)}; it has ${known}`,
    });
  }
  return config.registries.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** A registry that no configuration names, with what holds where nothing is said. */
function settingsOf(url: string, insecure: boolean): RegistrySettings {
  const name = parseAddress(url).host.replaceAll(/[^A-Za-z0-9._-]/g, "-");
  const [settings] = schema.shape.registries.parse([{ name, url, insecure }]);
  return settings as RegistrySettings;
}

function nameless(names: readonly string[]): RegistryError {
  const reason = `${names.join(", ")}: registries have their names in a configuration; name it with -c FILE, or say --registry URL`;
  return new RegistryError("USAGE", { reason });
}
