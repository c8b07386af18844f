import { join } from "node:path";
import { readConfig } from "../config/load.ts";
import { type Config, schema } from "../config/schema.ts";
import { parseAddress } from "../client/address.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Decider } from "../plan/decider.ts";
import type { PruneTarget } from "../plan/prune-target.ts";
import {
  type RegistrySettings,
  type TargetContext,
  openRegistryTarget,
} from "../plan/targets/open.ts";
import { LOCAL, type RegistryOptions } from "./registry-options.ts";
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
  /** Decides by the policies that are in force, and by what is in use now. */
  readonly decider: (now: number) => Promise<Decider>;
  /** Repositories that are read or changed at once. */
  readonly concurrency: number;
}

/** A registry that a command is about, not opened yet. */
export interface Chosen {
  readonly name: string;
  /** An origin, or the path of a folder. */
  readonly place: string;
  /** Throws REMOTE, CREDENTIALS, REFUSED. */
  open(): Promise<Opened>;
}

export interface Choice {
  readonly registries: readonly Chosen[];
  /** Where the audit is written. */
  readonly records: string;
  /** Who hears of what was done. */
  readonly report: Config["keep"]["report"];
}

/** The registries of a command: those of a configuration, a folder, or the one of `--registry`. Throws USAGE, CONFIG_INVALID. */
export function chooseTargets(wish: TargetWish, terminal: Terminal): Choice {
  const { environment } = terminal;
  const config = wish.config === undefined ? null : configOf(wish.config, environment);
  const context: TargetContext = {
    environment,
    state: config?.keep.state ?? null,
    now: Date.now,
    warn: (line) => terminal.note(line),
  };
  const common = {
    records: config?.keep.state ?? recordsOf(environment),
    report: config?.keep.report ?? [],
  };
  if (wish.data !== undefined) {
    // OWN: a folder; through its server when one of ours has it open.
    throw new RegistryError("USAGE", { reason: "--data" });
  }
  if (config === null && wish.names.length > 0) throw nameless(wish.names);
  const all = config === null ? [localOf(wish, environment)] : chosen(config, wish);
  const registries = all.map((settings) => ({
    name: settings.name,
    place: parseAddress(settings.url).origin,
    open: async () => ({
      target: await openRegistryTarget(settings, context),
      decider: async (now: number) => await deciderOf(config, now),
      concurrency: settings.concurrency,
    }),
  }));
  if (registries.length > 0) return { registries, ...common };
  const reason = `${wish.config} has no registries: name one with --registry URL, or a folder with --data DIR`;
  throw new RegistryError("USAGE", { reason });
}

/** Where what a user's commands remember belongs. */
function recordsOf({ XDG_STATE_HOME, HOME }: Terminal["environment"]): string {
  const folder = XDG_STATE_HOME || (HOME && join(HOME, ".local", "state"));
  return folder ? join(folder, "wharfinger") : "wharfinger";
}

/**
 * By the policies of a configuration, or by those of the running registry itself.
 * DECIDE and LEGACY: policies and readings of what is in use. OWN: GET /api/v1/retention where config is null.
 */
async function deciderOf(config: Config | null, now: number): Promise<Decider> {
  throw new RegistryError("REFUSED", {
    reason: `${config?.retention.length ?? 0} policies at ${now}`,
  });
}

/** LEGACY: the old tools' files come in here, recognised by their shape. */
function configOf(file: string, environment: Terminal["environment"]): Config {
  return readConfig({ file, environment, flags: {} }).config;
}

function chosen(config: Config, { names, ...wish }: TargetWish): RegistrySettings[] {
  if (wish.registry !== undefined) return [settingsOf(wish.registry, wish)];
  for (const name of names) {
    if (config.registries.some((one) => one.name === name)) continue;
    const known = config.registries.map((one) => one.name).join(", ") || "none";
    throw new RegistryError("USAGE", {
      reason: `registries: has no ${JSON.stringify(name)}; it has ${known}`,
    });
  }
  return config.registries.filter(({ name }) => names.length === 0 || names.includes(name));
}

function localOf(wish: TargetWish, environment: Terminal["environment"]): RegistrySettings {
  return settingsOf(wish.registry || environment["WHARF_REGISTRY"] || LOCAL, wish);
}

/** A registry that no configuration names, with what holds where nothing is said. */
function settingsOf(text: string, { plainHttp, insecure }: RegistryOptions): RegistrySettings {
  const { host, origin } = parseAddress(text, plainHttp);
  const name = host.replaceAll(/[^A-Za-z0-9._-]/g, "-");
  const [settings] = schema.shape.registries.parse([
    { name, url: origin, insecure: insecure ?? false },
  ]);
  return settings as RegistrySettings;
}

function nameless(names: readonly string[]): RegistryError {
  const reason = `${names.join(", ")}: registries have their names in a configuration; name it with -c FILE, or say --registry URL`;
  return new RegistryError("USAGE", { reason });
}
