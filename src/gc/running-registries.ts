import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { YAML } from "bun";
import { RegistryError } from "../oci/errors.ts";

/** A registry of the distribution family that runs on this machine and serves a folder. */
export interface RunningRegistry {
  readonly pid: number;
  /** It remembers which blobs are there: it must be restarted after bytes were removed. */
  readonly caches: boolean;
}

/** How such a process is called, whoever has packed it. */
const NAMES = new Set(["registry", "docker-registry"]);

const ROOT = "/var/lib/registry";
const CONFIGS = ["/etc/docker/registry/config.yml", "/etc/distribution/config.yml"];

/**
 * Finds processes of registry 2 or 3 that serve a folder, as this user may see them: also in containers of
 * this machine, not on others. A process that we may not look into counts: better one warning too many.
 */
export function runningRegistries(folder: string, proc = "/proc"): RunningRegistry[] {
  const wanted = identityOf(resolve(folder));
  return processes(proc).flatMap((pid) => {
    const place = join(proc, String(pid));
    const words = read(join(place, "cmdline"))?.split("\0").filter(Boolean) ?? [];
    const [program, verb] = words;
    if (program === undefined || !NAMES.has(basename(program)) || verb !== "serve") return [];
    const { folder: served, caches } = serves(place, words);
    if (served === undefined) return [];
    return served === null || identityOf(served) === wanted ? [{ pid, caches }] : [];
  });
}

/**
 * Throws REFUSED when another registry runs on a folder. `why`: what it would do there, and what else may be done,
 * behind `stop it first`.
 */
export function demandNoneRunning(folder: string, why: string): void {
  const [first] = runningRegistries(folder);
  if (!first) return;
  const reason = `a registry runs on this folder (process ${first.pid}); stop it first${why}`;
  throw new RegistryError("REFUSED", { reason });
}

/** `folder`: null when we may not know it; undefined when it cannot be known. */
function serves(
  place: string,
  words: readonly string[],
): { folder: string | null | undefined; caches: boolean } {
  const environ = read(join(place, "environ"));
  const variables = new Map(
    (environ ?? "").split("\0").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  // What the process calls by an absolute path lies below its own root, and a relative one below its folder.
  const within = (path: string): string => join(place, path.startsWith("/") ? "root" : "cwd", path);
  const named = words[2] ?? variables.get("REGISTRY_CONFIGURATION_PATH");
  const texts = (named === undefined ? CONFIGS : [named]).map((path) => read(within(path)));
  const text = texts.find((one) => typeof one === "string");
  const storage = storageIn(text ?? "");
  const told =
    variables.get("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY") ??
    textIn(storage, "filesystem", "rootdirectory");
  const cache =
    variables.get("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR") ??
    textIn(storage, "cache", "blobdescriptor") ??
    textIn(storage, "cache", "layerinfo");
  const forbidden = environ === null || texts.includes(null);
  const caches = text === undefined || (cache !== null && cache !== "");
  if (told !== null) return { folder: within(told), caches };
  if (text === undefined) return { folder: forbidden ? null : undefined, caches };
  return { folder: within(ROOT), caches };
}

function storageIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const { storage } = YAML.parse(text) as { storage?: unknown };
    return typeof storage === "object" && storage !== null ? { ...storage } : {};
  } catch {
    return {};
  }
}

function textIn(
  storage: Readonly<Record<string, unknown>>,
  part: string,
  key: string,
): string | null {
  const section = storage[part];
  if (typeof section !== "object" || section === null) return null;
  const value: unknown = (section as Record<string, unknown>)[key];
  return typeof value === "string" ? value : null;
}

/** Device and inode: the same folder under another name, in another container, has the same. */
function identityOf(folder: string): string | null {
  try {
    const { dev, ino } = statSync(folder);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

function processes(proc: string): number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Undefined: it is no file, such as a pipe that had the configuration once. Null: we may not read it. */
function read(path: string): string | null | undefined {
  try {
    // Whoever reads a terminal or a pipe waits; what leads to `/proc/self` would even be ours.
    if (/\/(?:dev|proc\/self)\//.test(path) || !statSync(path).isFile()) return undefined;
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    return code === "ENOENT" || code === "ESRCH" ? undefined : null;
  }
}
