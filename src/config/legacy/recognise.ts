import { isRecord } from "../../oci/json.ts";
import type { Environment } from "../environment.ts";
import type { Tool } from "./translation.ts";

const MANIFEST_CLEANUP = ["REGISTRY_DIR", "DRY_RUN", "SELF_SIGNED_CERT", "CURL_INSECURE", "BUCKET"];
const REGISTRY_GC = ["KEEP_N", "PRUNE_INTERVAL", "WORKERS", "REGISTRY_USER", "REGISTRY_PASS"];

/** Which tool's variables these are; null: no tool's. Pure. */
export function toolOfVariables(variables: Environment): "registry-gc" | "manifest-cleanup" | null {
  const some = (names: readonly string[]): boolean =>
    names.some((name) => variables[name] !== undefined && variables[name] !== "");
  if (some(REGISTRY_GC)) return "registry-gc";
  if (some(MANIFEST_CLEANUP) || variables["REGISTRY_AUTH"]?.includes(":") === true) {
    return "manifest-cleanup";
  }
  return some(["REGISTRY_URL"]) ? "registry-gc" : null;
}

/** Whose file it is, by its shape; null: none of theirs. Pure. */
export function toolOfDocument(document: unknown): Exclude<Tool, "registry-gc"> | null {
  if (!isRecord(document)) return null;
  const { registry, cleanup, registries } = document;
  if (isRecord(cleanup) && isRecord(registry)) return "cleanup-script";
  const named = "delete-policy" in document || "sync-policy" in document;
  return named || isRecord(registries) ? "registry-manager" : null;
}

const VARIABLE = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/;

/** Variables as a file for `--env-file` has them, `NAME=value` a line; null: it is none. Pure. */
export function parseVariables(text: string): Environment | null {
  const found: Record<string, string> = {};
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const [, name, value = ""] = VARIABLE.exec(line) ?? [];
    if (name === undefined) return null;
    found[name] = /^(["'])(.*)\1$/.exec(value.trim())?.[2] ?? value.trim();
  }
  return Object.keys(found).length > 0 ? found : null;
}

/** A service of a Compose file whose variables are a tool's. */
export interface ComposeService {
  readonly service: string;
  readonly tool: "registry-gc" | "manifest-cleanup";
  readonly variables: Environment;
  /** Variables of the environment that it names, and that are not set. */
  readonly missing: readonly string[];
}

/**
 * The services of a Compose file that are one of the tools; none: it is no such file. What it takes from the
 * environment is taken from this one. Pure.
 *
 * @see Compose specification, "environment" and "Interpolation"
 */
export function toolsOfCompose(
  document: unknown,
  environment: Environment,
): readonly ComposeService[] {
  const services = isRecord(document) ? document["services"] : undefined;
  if (!isRecord(services)) return [];
  return Object.entries(services).flatMap(([service, value]) => {
    const named = variablesOf(isRecord(value) ? value["environment"] : undefined);
    const missing: string[] = [];
    const variables: Record<string, string | undefined> = {};
    for (const [name, text] of named) {
      variables[name] = text === null ? environment[name] : resolved(text, environment, missing);
    }
    if (variables["REGISTRY_URL"] === undefined) return [];
    const tool = toolOfVariables(variables);
    return tool === null ? [] : [{ service, tool, variables, missing }];
  });
}

/** A list of `NAME=value`, or a map. Null: as it is in the environment. */
function variablesOf(value: unknown): [string, string | null][] {
  if (Array.isArray(value)) {
    const texts = value.filter((one) => typeof one === "string");
    return texts.map((text) => {
      const [, name = text, rest] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      return [name, rest ?? null];
    });
  }
  return Object.entries(isRecord(value) ? value : {}).map(([name, one]) => [
    name,
    // Without a value: from the environment, as `- NAME` in a list. Scalars are texts as they were written.
    typeof one === "string" && one !== "" ? one : null,
  ]);
}

const INTERPOLATED = /\$(?:(\$)|\{(\w+)(?:(:?[-+?])([^{}]*))?\}|([A-Za-z_]\w*)|(\{[^}]*\}?))/g;

/** What is written in another way than these has no value: it would be taken as it stands. */
function resolved(text: string, environment: Environment, missing: string[]): string {
  return text.replace(
    INTERPOLATED,
    (
      _,
      dollar?: string,
      braced?: string,
      operator?: string,
      other = "",
      plain?: string,
      strange?: string,
    ) => {
      if (dollar !== undefined) return dollar;
      const name = braced ?? plain ?? strange ?? "";
      const value = environment[name];
      const set = value !== undefined && (value !== "" || operator?.startsWith(":") === false);
      if (operator?.endsWith("+")) return set ? other : "";
      if (set && value !== "") return value;
      if (operator?.endsWith("-")) return set ? "" : other;
      missing.push(name);
      return "";
    },
  );
}
