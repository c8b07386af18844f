import { isRecord } from "../oci/json.ts";
import type { Environment } from "./environment.ts";
import { parseYaml, YamlFault } from "./yaml.ts";

type Tree = Record<string, unknown>;

export interface Applied {
  /** The configuration with the variables in it; what was handed in is not changed. */
  readonly tree: Tree;
  /** What could not be applied, each with the name of its variable. */
  readonly faults: string[];
  /** Variables that name nothing: their names. */
  readonly unknown: string[];
}

/** The sections that a configuration can have. A variable for another one is not meant for a registry. */
export const TOP_KEYS: readonly string[] = [
  "auth",
  "catalog",
  "compatibility",
  "health",
  "http",
  "log",
  "loglevel",
  "middleware",
  "notifications",
  "policy",
  "proxy",
  "redis",
  "reporting",
  "storage",
  "tags",
  "validation",
  "version",
];

/**
 * Lays the variables `REGISTRY_…` over a configuration, as distribution does: the name is the key path in
 * capitals, with numbers for places in lists, and the value is YAML. In lexical order, so that
 * `REGISTRY_STORAGE` comes before what stands in it.
 *
 * `REGISTRY_…_FILE` names a file with the value, which is taken as it is: for secrets. `readFile` throws when
 * it cannot be read.
 */
export function applyVariables(
  base: Readonly<Tree>,
  environment: Environment,
  readFile: (path: string) => string,
): Applied {
  const result: Applied = { tree: copied(base), faults: [], unknown: [] };
  const names = Object.keys(environment).filter(isOurs).toSorted();
  for (const name of names) {
    const value = environment[name];
    if (value === undefined) continue;
    try {
      apply(name, value, result, readFile);
    } catch (thrown) {
      result.faults.push(`${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  return result;
}

/** Also what aliases share becomes separate: a variable changes one place. */
function copied(tree: Readonly<Tree>): Tree {
  return JSON.parse(JSON.stringify(tree)) as Tree;
}

const PREFIX = "REGISTRY_";

/** Not settings: where the configuration is, and where clients keep their credentials. */
const OTHERS = new Set(["REGISTRY_CONFIGURATION_PATH", "REGISTRY_AUTH_FILE"]);

/** What Kubernetes sets for services whose names begin with `registry`. */
const LINK =
  /^REGISTRY_(?:.*_)?(?:PORT(?:_\d+_(?:TCP|UDP)(?:_.*)?)?|SERVICE_(?:HOST|PORT(?:_.*)?))$/;

function isOurs(name: string): boolean {
  return name.startsWith(PREFIX) && !OTHERS.has(name) && !LINK.test(name);
}

/** Keys whose name in a variable is another: the original takes the names of its fields. */
const FIELD_NAMES = new Map(
  Object.entries({
    eventconfig: "events",
    filecheckers: "file",
    httpcheckers: "http",
    mailoptions: "options",
    tcpcheckers: "tcp",
    trustkey: "signingkeyfile",
  }),
);

function apply(
  name: string,
  value: string,
  { tree, unknown }: Applied,
  readFile: (path: string) => string,
): void {
  const path = name.slice(PREFIX.length).split("_");
  const top = path[0]?.toLowerCase() ?? "";
  if (!TOP_KEYS.includes(top) || path.includes("")) {
    unknown.push(name);
    return;
  }
  // The version says how to read the rest; it belongs to the file.
  if (top === "version") return;
  if (path.length > 2 && path.at(-1) === "FILE" && top !== "health") {
    assign(tree, path.slice(0, -1), readFile(value).replace(/\r?\n$/, ""), []);
    return;
  }
  assign(tree, path, parsed(value), []);
}

function parsed(value: string): unknown {
  try {
    return parseYaml(value, "text") ?? "";
  } catch (error) {
    // Most of what is no YAML is a text that nobody thought of quoting, `*` or `@` in a password.
    if (error instanceof YamlFault && !/^\s*[[{]/.test(value)) return value;
    throw error;
  }
}

/** Sets a value in a map or a list, creating what is missing on the way. */
function assign(into: unknown, path: readonly string[], value: unknown, above: string[]): void {
  const [segment = "", ...rest] = path;
  const [holder, key] = Array.isArray(into)
    ? [into as unknown[], placeIn(into, segment)]
    : [into as Tree, keyIn(into as Tree, segment)];
  const slots = holder as Record<string | number, unknown>;
  if (rest.length === 0) {
    put(slots, key, value);
    return;
  }
  const here = [...above, String(key)];
  const inner = Object.hasOwn(slots, key) ? slots[key] : undefined;
  // `storage: filesystem` and `auth: htpasswd` are short for a map with this one key.
  const opened =
    typeof inner === "string" && above.length === 0 && (key === "storage" || key === "auth")
      ? { [inner]: {} }
      : inner;
  if (Array.isArray(opened) || isRecord(opened)) put(slots, key, opened);
  else if (opened === undefined || opened === null || opened === "") put(slots, key, {});
  else throw new Error(`${here.join(".")} is a single value, there is nothing in it`);
  assign(madeList(slots, key, rest[0]), rest, value, here);
}

/** What was made a moment ago is a list when the next part of the path is a place in one. */
function madeList(
  slots: Record<string | number, unknown>,
  key: string | number,
  next = "",
): unknown {
  const made = slots[key];
  if (isRecord(made) && Object.keys(made).length === 0 && /^\d+$/.test(next)) slots[key] = [];
  return slots[key];
}

function put(slots: Record<string | number, unknown>, key: string | number, value: unknown): void {
  // Not `slots[key] =`: a key such as __proto__ would do more than that.
  Object.defineProperty(slots, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function placeIn(list: readonly unknown[], segment: string): number {
  const place = Number(segment);
  if (!/^\d{1,4}$/.test(segment)) throw new Error(`a list has numbers, not ${segment}`);
  if (place > list.length) {
    throw new Error(`the list has ${list.length} entries; the next one is number ${list.length}`);
  }
  return place;
}

/** The key that stands there already, in whatever case; else the segment in lower case. */
function keyIn(map: Tree, segment: string): string {
  const lower = segment.toLowerCase();
  const wanted = FIELD_NAMES.get(lower) ?? lower;
  return Object.keys(map).find((key) => key.toLowerCase() === wanted) ?? wanted;
}
