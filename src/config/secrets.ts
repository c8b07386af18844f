import { readFileSync } from "node:fs";
import type { z } from "zod";
import type { Environment } from "./environment.ts";
import { definitionOf, shapeOf, unwrap } from "./schema-walk.ts";
import { parseYaml } from "./yaml.ts";

type Type = z.core.$ZodType;

/** What stands for a secret. */
export const HIDDEN = "•••";

/** What was put into settings and stands in no file that people read: for keeping it out of messages. */
export interface Secrets {
  readonly values: string[];
  readonly faults: string[];
}

/**
 * Settings with `${NAME}` replaced by that variable, in every text, and with what stands in the file that
 * `NAMEFile` names, for every setting NAME that is a secret. `$${` is a plain `${`.
 */
export function withSecrets(
  settings: Readonly<Record<string, unknown>>,
  type: Type,
  environment: Environment,
  secrets: Secrets,
): Record<string, unknown> {
  const expanded = expand(settings, "", environment, secrets);
  return fromFiles(expanded, type, "", secrets) as Record<string, unknown>;
}

function expand(value: unknown, path: string, environment: Environment, secrets: Secrets): unknown {
  if (typeof value === "string") {
    return value.replaceAll(
      /\$(\$\{)|\$\{([^}]*)\}/g,
      (_, escaped: string | undefined, name: string) => {
        if (escaped !== undefined) return escaped;
        const known = Object.hasOwn(environment, name) ? environment[name] : undefined;
        if (known === undefined) secrets.faults.push(`${path}: the variable ${name} is not set`);
        else secrets.values.push(known);
        return known ?? "";
      },
    );
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    return value.map((one, index) => expand(one, `${path}.${index}`, environment, secrets));
  }
  return mapped(value, (inner, key) =>
    expand(inner, path === "" ? key : `${path}.${key}`, environment, secrets),
  );
}

function fromFiles(value: unknown, outer: Type, path: string, secrets: Secrets): unknown {
  if (typeof value !== "object" || value === null) return value;
  const def = definitionOf(unwrap(outer).type);
  if (Array.isArray(value)) {
    if (def.type !== "array") return value;
    return value.map((one, index) => fromFiles(one, def.element, `${path}.${index}`, secrets));
  }
  const shape = shapeOf(outer);
  if (shape === null) return value;
  const below = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const found: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const name = key.replace(/File$/, "");
    const secret = name !== key && Object.hasOwn(shape, name) ? shape[name] : undefined;
    const own = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (own === undefined && secret !== undefined && unwrap(secret).meta.secret === true) {
      if (Object.hasOwn(value, name)) secrets.faults.push(`${below(key)}: ${name} is set as well`);
      define(found, name, readSecret(inner, secret, below(key), secrets));
    } else
      define(found, key, own === undefined ? inner : fromFiles(inner, own, below(key), secrets));
  }
  return found;
}

function readSecret(file: unknown, type: Type, path: string, secrets: Secrets): unknown {
  if (typeof file !== "string") {
    secrets.faults.push(`${path}: must be the name of a file`);
    return undefined;
  }
  try {
    const text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    secrets.values.push(text);
    return definitionOf(unwrap(type).type).type === "string" ? text : parseYaml(text, "typed");
  } catch (error) {
    secrets.faults.push(`${path}: ${file} cannot be read (${(error as Error).message})`);
    return undefined;
  }
}

/** Puts dots for what came from variables and files, wherever it stands in a message. */
export function hidden(message: string, values: readonly string[]): string {
  const long = values.filter((value) => value.length >= 4).toSorted((a, b) => b.length - a.length);
  return long.reduce((text, value) => text.replaceAll(value, HIDDEN), message);
}

function mapped(
  value: object,
  change: (inner: unknown, key: string) => unknown,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) define(result, key, change(inner, key));
  return result;
}

/** Not `into[key] =`: a key such as __proto__ would do more than that. */
function define(into: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}
