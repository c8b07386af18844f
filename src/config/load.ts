import { readFileSync } from "node:fs";
import type { z } from "zod";
import { RegistryError } from "../oci/errors.ts";
import { nearest } from "./nearest.ts";
import { type Config, schema } from "./schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables and the settings they stand for. A flag wins over a variable, a variable over the file. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  WHARF_LISTEN: ["listen"],
  WHARF_DATA: ["data"],
  WHARF_AUTH: ["auth"],
  WHARF_PUBLIC_URL: ["publicUrl"],
  WHARF_DELETE: ["delete"],
  WHARF_SPARSE: ["sparse"],
  WHARF_LOG_LEVEL: ["log", "level"],
  WHARF_LOG_FORMAT: ["log", "format"],
};

/** Settings that are the same word in the client's environment and mean something else there. */
const OF_THE_CLIENT = ["WHARF_REGISTRY"];

interface Sources {
  /** A YAML file; null: none, which is a working registry. */
  readonly file: string | null;
  readonly environment: Environment;
  /** From the command line. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** Reads, merges and checks the configuration; frozen. Throws CONFIG_INVALID with every fault and its place. */
export function loadConfig({ file, environment, flags }: Sources): Config {
  const settings = file === null ? {} : readFile(file);
  for (const [variable, path] of Object.entries(VARIABLES)) {
    const value = environment[variable];
    if (value !== undefined) assign(settings, path, typed(value));
  }
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined) assign(settings, [flag], value);
  }
  refuseUnknownVariables(environment);
  const parsed = schema.safeParse(settings);
  if (!parsed.success) throw invalid(file, describe(parsed.error));
  const config = frozen(parsed.data);
  refuseOpenDoor(config, file);
  return config;
}

/** At every depth: whoever is handed a part of it can not change it either. */
function frozen<T extends object>(value: T): Readonly<T> {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null) frozen(inner);
  }
  return Object.freeze(value);
}

type Settings = Record<string, unknown>;

function readFile(file: string): Settings {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(file, `it cannot be read (${(error as Error).message})`);
  }
  let value: unknown;
  try {
    value = Bun.YAML.parse(text);
  } catch (error) {
    throw invalid(file, `it is not YAML (${(error as Error).message})`);
  }
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw invalid(file, "it must be a map of settings");
  const twice = repeated(text);
  if (twice !== null) throw invalid(file, `the setting ${twice} stands twice`);
  return { ...value };
}

/** YAML's reader takes the last of two equal keys: the first, such as a second policy, would be silently off. */
function repeated(text: string): string | null {
  const lines = text.matchAll(/^(?<quote>["']?)(?<key>\w+)\k<quote>[ \t]*:(?=\s|$)/gm);
  const keys = [...lines].map(({ groups }) => groups?.["key"] ?? "");
  return keys.find((key, index) => keys.indexOf(key) < index) ?? null;
}

/** Variables are text; `true` and `false` are meant as such. */
function typed(value: string): unknown {
  return value === "true" ? true : value === "false" ? false : value;
}

function assign(settings: Settings, [key = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    settings[key] = value;
    return;
  }
  const inner = settings[key];
  const copy: Settings = typeof inner === "object" && inner !== null ? { ...inner } : {};
  assign(copy, rest, value);
  settings[key] = copy;
}

function refuseUnknownVariables(environment: Environment): void {
  const known = [...Object.keys(VARIABLES), ...OF_THE_CLIENT];
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith("WHARF_") || known.includes(variable)) continue;
    // Kubernetes sets WHARF_PORT, WHARF_SERVICE_HOST and the like for a service named "wharf".
    if (/^WHARF_(?:PORT|SERVICE)(?:_|$)/.test(variable)) continue;
    throw invalid(null, `unknown variable ${variable}${suggestion(variable, known)}`);
  }
}

/** Whether only this machine reaches the address. */
export function isLoopback(hostname: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/.test(hostname);
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

function describe(error: z.ZodError): string {
  return error.issues.map(describeIssue).join("; ");
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return `${where || "the file"}: ${issue.message}`;
  const known = Object.keys(where === "log" ? schema.shape.log.unwrap().shape : schema.shape);
  return issue.keys
    .map((key) => `unknown setting ${where ? `${where}.` : ""}${key}${suggestion(key, known)}`)
    .join("; ");
}

function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === null ? "" : ` (did you mean ${near}?)`;
}

function invalid(file: string | null, reason: string): RegistryError {
  return new RegistryError("CONFIG_INVALID", {
    reason: file === null ? reason : `${file}: ${reason}`,
  });
}
