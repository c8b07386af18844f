import { isRecord } from "../oci/json.ts";
import { parseStrictJson } from "../oci/strict-json.ts";
import type { Environment } from "./environment.ts";
import { translateCleanupScript } from "./legacy/cleanup-script.ts";
import { translateManifestCleanup } from "./legacy/manifest-cleanup.ts";
import {
  parseVariables,
  toolOfDocument,
  toolOfVariables,
  toolsOfCompose,
} from "./legacy/recognise.ts";
import { translateRegistryGc } from "./legacy/registry-gc.ts";
import { translateRegistryManager } from "./legacy/registry-manager.ts";
import type { Remark, Tool, Translation } from "./legacy/translation.ts";
import {
  checked,
  invalid,
  type Loaded,
  originOf,
  parse,
  readConfig,
  readText,
  type Sources,
} from "./load.ts";
import { schema } from "./schema.ts";
import { type Secrets, withSecrets } from "./secrets.ts";

export interface AnySources extends Sources {
  /** Where there is no file: whether the variables of registry-gc, and of manifest-cleanup, are a configuration. */
  readonly fromVariables?: boolean;
  /** Whose configuration it is; unset: told by its shape. */
  readonly told?: Tool | undefined;
}

/** What is in force, and of which tool it was. */
export interface AnyLoaded extends Loaded {
  /** Null: the configuration is ours, or one of the distribution registry. */
  readonly tool: Tool | null;
  /** What is done in another way than by the tool; `warnings` has those about the whole. */
  readonly remarks: readonly Remark[];
}

/**
 * Reads a configuration of ours, of the distribution registry, or of one of the tools that Wharfinger replaces,
 * which is told by its shape. Throws CONFIG_INVALID, with the tool's own keys.
 */
export function readAnyConfig(sources: AnySources): AnyLoaded {
  const translation = translationOf(sources);
  if (translation === null) return { ...readConfig(sources), tool: null, remarks: [] };
  const { tool, remarks } = translation;
  return { ...loaded(translation, sources), tool, remarks };
}

/** A tool's configuration in our words; null: it is none of theirs. Faults are not thrown. */
export function translationOf({
  file,
  environment,
  fromVariables = false,
  told,
}: AnySources): Translation | null {
  if (file === null) {
    const tool = told ?? (fromVariables ? toolOfVariables(environment) : null);
    if (tool === "registry-gc") return translateRegistryGc(environment);
    return tool === "manifest-cleanup" ? translateManifestCleanup(environment) : null;
  }
  const text = readText(file);
  const variables = parseVariables(text);
  if (variables !== null) return ofVariables(variables, file, told);
  const plain = plainDocument(file, text);
  if (!isRecord(plain)) return null;
  const [service, another] = toolsOfCompose(plain, environment).filter(
    ({ tool }) => tool === (told ?? tool),
  );
  if (another !== undefined) {
    throw invalid(file, "several of its services are tools; put the variables of one into a file");
  }
  if (service !== undefined) {
    const [missing] = service.missing;
    if (missing !== undefined) throw invalid(file, `the variable ${missing} is not set`);
    return ofVariables(service.variables, file, service.tool);
  }
  const tool = told ?? toolOfDocument(plain);
  if (tool === "cleanup-script") return translateCleanupScript(plain, environment);
  return tool === "registry-manager" ? translateRegistryManager(plain) : null;
}

function ofVariables(variables: Environment, file: string, told: Tool | undefined): Translation {
  const tool = told ?? toolOfVariables(variables);
  if (tool === "registry-gc") return translateRegistryGc(variables);
  if (tool === "manifest-cleanup") return translateManifestCleanup(variables);
  throw invalid(file, "its variables are those of no tool that is known here");
}

/** Scalars as they were written: `0123` may be a password. */
function plainDocument(file: string, text: string): unknown {
  // JSON may be indented with tabs, which YAML does not take.
  if (text.trimStart().startsWith("{")) {
    try {
      // Of a key that stands twice one would be silently off.
      return asTexts(parseStrictJson(new TextEncoder().encode(text)));
    } catch {
      // What is wrong with it, and where, YAML's reader tells.
    }
  }
  return parse(file, text, "text");
}

/** Of what JSON can say. */
function asTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asTexts);
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asTexts(one)]));
  }
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

function loaded(translation: Translation, sources: Sources): Loaded {
  const { file, environment } = sources;
  const { settings, faults, origins, remarks, tool } = translation;
  const secrets: Secrets = { values: [], faults: [] };
  const variables = { ...environment, ...translation.secrets };
  if (faults.length > 0) throw invalid(file, faults.join("; "));
  const whole = remarks.filter(({ at }) => at === "").map(({ from, text }) => `${from}: ${text}`);
  const what = file === null ? `--from ${tool}` : file;
  const base = {
    settings: withSecrets(settings, schema, variables, secrets),
    kind: "wharf",
    warnings: [
      `read as the configuration of ${tool}; \`wharf import ${what}\` says what differs, and makes a wharf.yaml of it`,
      ...whole,
    ],
    needless: [],
  } as const;
  return checked(base, sources, secrets, (path) => originOf(path, origins));
}
