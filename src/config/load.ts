import { readFileSync } from "node:fs";
import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { isLoopback } from "../oci/loopback.ts";
import { isDistribution, ORIGINS, translate } from "./distribution.ts";
import { applyVariables } from "./distribution-variables.ts";
import type { Environment } from "./environment.ts";
import { inForce } from "./in-force.ts";
import { describeIssues } from "./issues.ts";
import { ownVariables } from "./own-variables.ts";
import { type Config, schema } from "./schema.ts";
import { hidden, type Secrets, withSecrets } from "./secrets.ts";
import { EVERY_ADDRESS } from "./values.ts";
import { parseYaml, type Scalars, YamlFault } from "./yaml.ts";

export interface Sources {
  /** A wharf.yaml, or a configuration of the distribution registry; null: none, which is a working registry. */
  readonly file: string | null;
  readonly environment: Environment;
  /** From the command line: paths of settings, such as `log.level`, and values. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** What is in force, and what should be said about it. */
export interface Loaded {
  readonly config: Config;
  readonly kind: "wharf" | "distribution";
  /** All settings with their defaults as a wharf.yaml would have them, without secrets: for showing them. */
  readonly settings: unknown;
  /** Sentences for whoever runs the registry. No secrets. */
  readonly warnings: readonly string[];
  /** Key paths of what this registry does by itself, from a configuration of another one. */
  readonly needless: readonly string[];
}

/** The configuration alone; see `readConfig`. */
export function loadConfig(sources: Sources): Config {
  return readConfig(sources).config;
}

/**
 * Reads, merges and checks the configuration; frozen. A flag wins over a variable, a variable over the file.
 * Throws CONFIG_INVALID with every fault and its place.
 */
export function readConfig(sources: Sources): Loaded {
  const { file, environment } = sources;
  const secrets: Secrets = { values: [], faults: [] };
  const base = file === null ? noFile() : readSettings(file, environment, secrets);
  const rename =
    base.kind === "wharf" ? (path: string) => path : (path: string) => originOf(path, ORIGINS);
  return checked(base, sources, secrets, rename);
}

/**
 * What is in force when these are the settings of the file. `rename` makes a path of ours what the reader knows
 * it as. Throws CONFIG_INVALID.
 */
export function checked(
  base: Base,
  { file, environment, flags }: Sources,
  secrets: Secrets,
  rename: (path: string) => string,
): Loaded {
  const { settings, kind } = base;
  for (const { path, value } of ownVariables(environment)) assign(settings, path, value);
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined) assign(settings, flag.split("."), value);
  }
  if (kind === "distribution" && settings["auth"] === undefined) settings["auth"] = "none";
  const parsed = schema.safeParse(settings);
  const faults = [
    ...secrets.faults,
    ...(parsed.success ? [] : [describeIssues(parsed.error.issues, rename)]),
  ];
  if (!parsed.success || faults.length > 0) {
    throw invalid(file, hidden(faults.join("; "), secrets.values));
  }
  const config = frozen(parsed.data);
  if (kind === "wharf") refuseOpenDoor(config, file);
  const warnings = [...base.warnings, ...remarksOnDoor(config, kind)].map((text) =>
    file === null ? text : `${file}: ${text}`,
  );
  const shown = JSON.stringify(inForce(settings, schema), (_, value: unknown) =>
    typeof value === "string" ? hidden(value, secrets.values) : value,
  );
  return { config, kind, settings: JSON.parse(shown), warnings, needless: base.needless };
}

type Settings = Record<string, unknown>;

/** What a file says, in our words. */
export interface Base {
  readonly settings: Settings;
  readonly kind: Loaded["kind"];
  readonly warnings: readonly string[];
  readonly needless: readonly string[];
}

function noFile(): Base {
  return { settings: {}, kind: "wharf", warnings: [], needless: [] };
}

function readSettings(file: string, environment: Environment, secrets: Secrets): Base {
  const text = readText(file);
  const document = parse(file, text, "typed") ?? {};
  if (!isRecord(document)) throw invalid(file, "it must be a map of settings");
  if (isDistribution(document)) return readDistribution(file, text, environment);
  return { ...noFile(), settings: withSecrets(document, schema, environment, secrets) };
}

function readDistribution(file: string, text: string, environment: Environment): Base {
  const document = parse(file, text, "text") as Settings;
  const applied = applyVariables(document, environment, (path) => readFileSync(path, "utf8"));
  const { settings, faults, unused, needless, remarks } = translate(applied.tree);
  const all = [...applied.faults, ...faults];
  if (all.length > 0) throw invalid(file, all.join("; "));
  const idle = [...unused, ...applied.unknown];
  const warnings = [
    ...(idle.length === 0 ? [] : [`these settings have no effect here: ${idle.join(", ")}`]),
    ...remarks,
  ];
  return { settings: { ...settings }, kind: "distribution", warnings, needless };
}

export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(file, `it cannot be read (${(error as Error).message})`);
  }
}

export function parse(file: string, text: string, scalars: Scalars): unknown {
  try {
    return parseYaml(text, scalars);
  } catch (error) {
    if (error instanceof YamlFault) throw invalid(file, error.message);
    throw error;
  }
}

/** At every depth: whoever is handed a part of it can not change it either. */
function frozen<T extends object>(value: T): Readonly<T> {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null) frozen(inner);
  }
  return Object.freeze(value);
}

function assign(settings: Settings, [key = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    settings[key] = value;
    return;
  }
  const inner = settings[key];
  const copy: Settings = isRecord(inner) ? { ...inner } : {};
  assign(copy, rest, value);
  settings[key] = copy;
}

/** What a path of ours is called in another configuration: the longest part of it that has a name there. */
export function originOf(path: string, origins: Readonly<Record<string, string>>): string {
  const keys = path.split(".");
  for (let length = keys.length; length > 0; length--) {
    const origin = origins[keys.slice(0, length).join(".")];
    if (origin !== undefined) return [origin, ...keys.slice(length)].join(".");
  }
  return path;
}

/** An unprotected registry beyond this machine must be somebody's decision, not a default. */
function refuseOpenDoor({ listen, auth }: Config, file: string | null): void {
  if (isLoopback(listen.hostname) || auth !== undefined) return;
  throw invalid(
    file,
    `listen: ${listen.hostname} can be reached from other machines, and nobody would need a password; ` +
      "say `auth: none` (or WHARF_AUTH=none) if that is meant, or listen on 127.0.0.1",
  );
}

const OPENLY =
  "passwords travel unencrypted: whoever can listen on the way can read them. Set `tls`, or let a proxy " +
  "with TLS stand in front and listen on 127.0.0.1";

/** Taken at its word, and said loudly: what most configurations of the distribution registry leave open. */
function remarksOnDoor({ listen, auth, tls, publicUrl }: Config, kind: Loaded["kind"]): string[] {
  if (isLoopback(listen.hostname)) return [];
  const writes = "may push, pull and delete";
  if (kind === "distribution" && auth === "none") {
    const where =
      listen.hostname === EVERY_ADDRESS ? "this machine" : `${listen.hostname} of this machine`;
    return [`there is no auth: anyone who reaches port ${listen.port} on ${where} ${writes}`];
  }
  if (typeof auth !== "object" || tls !== undefined || publicUrl?.startsWith("https:") === true)
    return [];
  return [OPENLY];
}

export function invalid(file: string | null, reason: string): RegistryError {
  return new RegistryError("CONFIG_INVALID", {
    reason: file === null ? reason : `${file}: ${reason}`,
  });
}
