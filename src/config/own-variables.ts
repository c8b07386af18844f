import type { z } from "zod";
import { RegistryError } from "../oci/errors.ts";
import type { Environment } from "./environment.ts";
import { nearest } from "./nearest.ts";
import { schema } from "./schema.ts";
import { definitionOf, type Setting, settingsOf, unwrap } from "./schema-walk.ts";

/** A variable and the setting that it stands for. */
interface Variable {
  readonly path: readonly string[];
  readonly kind: Kind;
}

/** What a variable's text is read as. */
type Kind = "text" | "number" | "switch" | "list";

/** Every setting that is one value, or a list of such, by its variable: `publicUrl` is `WHARF_PUBLIC_URL`. */
export const VARIABLES: ReadonlyMap<string, Variable> = new Map(
  settingsOf(schema).flatMap((setting) => {
    const kind = kindOf(setting.type);
    if (kind === null || setting.path.includes("[]")) return [];
    return [[variableOf(setting.path), { path: setting.path, kind }]];
  }),
);

/** The name of the variable for a path of keys. Pure. */
export function variableOf(path: Setting["path"]): string {
  const words = path.map((key) => key.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2"));
  return `WHARF_${words.join("_").toUpperCase()}`;
}

/** Null: not from a variable. */
function kindOf(outer: z.core.$ZodType): Kind | null {
  const def = definitionOf(unwrap(outer).type);
  switch (def.type) {
    case "string":
    case "enum":
    case "literal":
      return "text";
    case "number":
      return "number";
    case "boolean":
      return "switch";
    case "union":
      return def.options.map(kindOf).find((kind) => kind !== null) ?? null;
    case "array":
      return kindOf(def.element) === "text" ? "list" : null;
    default:
      return null;
  }
}

/** Settings that are the same word in the client's environment and mean something else there. */
const OF_THE_CLIENT = ["WHARF_REGISTRY"];

/** The settings that variables name, with their values. Throws CONFIG_INVALID for a variable that names none. */
export function ownVariables(
  environment: Environment,
): { readonly path: readonly string[]; readonly value: unknown }[] {
  refuseUnknown(environment);
  return [...VARIABLES].flatMap(([variable, { path, kind }]) => {
    const text = environment[variable];
    return text === undefined ? [] : [{ path, value: read(text, kind) }];
  });
}

/** What cannot be read is left as it is: the schema says why it is refused. */
function read(text: string, kind: Kind): unknown {
  if (kind === "list") {
    return text
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
  }
  if (kind === "switch") return text === "true" ? true : text === "false" ? false : text;
  return kind === "number" && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function refuseUnknown(environment: Environment): void {
  const known = [...VARIABLES.keys(), ...OF_THE_CLIENT];
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith("WHARF_") || known.includes(variable)) continue;
    // Kubernetes sets WHARF_PORT, WHARF_SERVICE_HOST and the like for a service named "wharf".
    if (/^WHARF_(?:PORT|SERVICE)(?:_|$)/.test(variable)) continue;
    const near = nearest(variable, known);
    const hint = near === null ? "" : ` (did you mean ${near}?)`;
    throw new RegistryError("CONFIG_INVALID", { reason: `unknown variable ${variable}${hint}` });
  }
  if (environment["WHARF_AUTH"] === undefined) return;
  const also = [...VARIABLES.keys()].find(
    (name) => name.startsWith("WHARF_AUTH_") && environment[name] !== undefined,
  );
  if (also === undefined) return;
  const reason = `WHARF_AUTH and ${also} exclude each other`;
  throw new RegistryError("CONFIG_INVALID", { reason });
}
