import { join } from "node:path";
import { parseAddress } from "../client/address.ts";
import { retentionSettings } from "../client/inventory.ts";
import { openRegistry } from "../client/open-registry.ts";
import { readAnyConfig } from "../config/any.ts";
import { type Config, schema } from "../config/schema.ts";
import { type KeepState, openKeepState } from "../keep/state.ts";
import { RegistryError } from "../oci/errors.ts";
import { type Opened, foreignDecider, openPrune } from "../plan/open-prune.ts";
import type { RegistrySettings, TargetContext } from "../plan/targets/open.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import { folderTarget } from "./folder-target.ts";
import { LOCAL, type RegistryOptions } from "./registry-options.ts";
import type { Terminal } from "./terminal.ts";

/** Which registries a command is about, as its options say it. */
export interface TargetWish extends RegistryOptions {
  /** Names in `registries:`; none: all of them. */
  readonly names: readonly string[];
  readonly config?: string;
  readonly data?: string;
  /** Say nothing of what is merely strange. */
  readonly quiet?: boolean;
  /** Nothing is decided: the plan is there already. */
  readonly decided?: boolean;
}

/** A registry that a command is about, not opened yet. */
export interface Chosen {
  readonly name: string;
  /** An origin, or the path of a folder. */
  readonly place: string;
  /** The configuration wants to see plans of it, and no more. */
  readonly shownOnly?: boolean;
  /** As the configuration has it. */
  readonly settings?: RegistrySettings;
  /** Throws REMOTE, CREDENTIALS, REFUSED. */
  open(): Promise<Opened>;
}

export interface Choice {
  readonly registries: readonly Chosen[];
  /** Where the audit is written. */
  readonly records: string;
  /** Who hears of what was done. */
  readonly report: Config["keep"]["report"];
  /** When the command is over. */
  close(): void;
}

/** The registries of a command: those of a configuration, a folder, or the one of `--registry`. Throws USAGE, CONFIG_INVALID. */
export function chooseTargets(wish: TargetWish, terminal: Terminal): Choice {
  const { environment } = terminal;
  const config =
    wish.config === undefined ? null : configOf(wish.config, wish.quiet ?? false, terminal);
  let state: KeepState | null = null;
  const context: TargetContext = {
    environment,
    state: config?.keep.state ?? null,
    times: config
      ? (name) => (state ??= openKeepState(config.keep.state)).timesOf(name)
      : undefined,
    now: Date.now,
    warn: (line) => terminal.note(line),
  };
  const common = {
    records: config?.keep.state ?? recordsOf(environment),
    report: config?.keep.report ?? [],
    close: () => state?.close(),
  };
  const policies = config?.retention ?? (wish.decided ? [] : null);
  const choice = (registries: readonly Chosen[]): Choice => ({ registries, ...common });
  const at = (settings: RegistrySettings): Chosen => ({
    name: settings.name,
    place: parseAddress(settings.url).origin,
    shownOnly: settings.prune?.dryRun ?? false,
    settings,
    open: async () =>
      policies === null
        ? await openByItsPolicies(settings, context)
        : await openPrune(settings, policies, context),
  });

  if (config === null && wish.names.length > 0) throw nameless(wish.names);
  if (wish.data !== undefined) return choice([folderAt(wish.data, wish, policies, context, at)]);
  if (config === null) return choice([at(localOf(wish, environment))]);
  if (wish.registry !== undefined) return choice([at(settingsOf(wish.registry, wish))]);
  const registries = named(config, wish.names);
  if (registries.length > 0) return choice(registries.map(at));
  // A configuration of a registry of ours: that one.
  return choice([folderAt(config.data, wish, policies, context, at)]);
}

/** A folder, through its server where one of ours has it open. */
function folderAt(
  path: string,
  wish: TargetWish,
  policies: readonly RetentionPolicy[] | null,
  context: TargetContext,
  at: (settings: RegistrySettings) => Chosen,
): Chosen {
  const owner = ownerOf(join(path, OURS));
  if (owner?.url) return at(settingsOf(owner.url, wish));
  return folderTarget(path, policies, context);
}

/** A running registry of ours, as it would prune itself. Throws REFUSED for another one. */
async function openByItsPolicies(
  settings: RegistrySettings,
  context: TargetContext,
): Promise<Opened> {
  const { environment } = context;
  const found = await retentionSettings(openRegistry(settings, { environment }));
  if (!found) {
    const reason = `${settings.url} tells of no policies; give them with -c FILE`;
    throw new RegistryError("REFUSED", { reason });
  }
  const policies = found["policies"] as readonly RetentionPolicy[];
  const { target, concurrency } = await openPrune(settings, policies, context);
  return { target, concurrency, decider: async (now) => foreignDecider(policies, now) };
}

/** Where what a user's commands remember belongs. */
function recordsOf({ XDG_STATE_HOME, HOME }: Terminal["environment"]): string {
  const folder = XDG_STATE_HOME || (HOME && join(HOME, ".local", "state"));
  return folder ? join(folder, "wharfinger") : "wharfinger";
}

/** A wharf.yaml, or what one of the tools has that this one replaces. */
function configOf(file: string, quiet: boolean, terminal: Terminal): Config {
  const { environment } = terminal;
  const { config, warnings } = readAnyConfig({ file, environment, flags: {} });
  if (!quiet) for (const warning of warnings) terminal.note(`warning: ${warning}`);
  return config;
}

/** Those that were asked for by name; all of them where none was. Throws USAGE. */
function named({ registries }: Config, names: readonly string[]): readonly RegistrySettings[] {
  for (const name of names) {
    if (registries.some((one) => one.name === name)) continue;
    const known = registries.map((one) => one.name).join(", ") || "none";
    const reason = `registries: has no ${JSON.stringify(name)}; it has ${known}`;
    throw new RegistryError("USAGE", { reason });
  }
  if (names.length > 0) return registries.filter(({ name }) => names.includes(name));
  // Those that go by none are there for other commands, unless there are no others.
  const ruled = registries.filter(({ policies }) => policies === undefined || policies.length > 0);
  return ruled.length > 0 ? ruled : registries;
}

function localOf(wish: TargetWish, environment: Terminal["environment"]): RegistrySettings {
  return settingsOf(wish.registry || environment["WHARF_REGISTRY"] || LOCAL, wish);
}

/** A registry that no configuration names, with what holds where nothing is said. */
function settingsOf(text: string, { plainHttp, insecure }: RegistryOptions): RegistrySettings {
  const { host, origin } = parseAddress(text, plainHttp);
  const [settings] = schema.shape.registries.parse([
    { name: "unnamed", url: origin, insecure: insecure ?? false },
  ]);
  return { ...(settings as RegistrySettings), name: host };
}

function nameless(names: readonly string[]): RegistryError {
  const reason = `${names.join(", ")}: registries have their names in a configuration; name it with -c FILE, or say --registry URL`;
  return new RegistryError("USAGE", { reason });
}
