import { readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parse } from "yaml";

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
 * this machine, not on others. Where a process cannot be looked into, it counts when nothing speaks
 * against it: better one warning too many.
 */
export function runningRegistries(folder: string, proc = "/proc"): RunningRegistry[] {
  const wanted = identityOf(resolve(folder));
  return processes(proc).flatMap((pid) => {
    const place = join(proc, String(pid));
    const words = read(join(place, "cmdline"))?.split("\0").filter(Boolean) ?? [];
    const [program, verb] = words;
    if (program === undefined || !NAMES.has(basename(program)) || verb !== "serve") return [];
    const found = serves(place, words);
    const identity = found.folder && identityOf(found.folder);
    if (found.folder !== null && identity !== wanted) return [];
    return [{ pid, caches: found.caches }];
  });
}

/** `folder`: null when it cannot be told. */
function serves(
  place: string,
  words: readonly string[],
): { folder: string | null; caches: boolean } {
  const environ = read(join(place, "environ"));
  const variables = new Map(
    (environ ?? "").split("\0").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const within = (path: string): string => {
    // What the process calls by an absolute path lies below its own root, and a relative one below its folder.
    if (path.startsWith("/")) return join(place, "root", path);
    return join(linkOf(join(place, "cwd")) ?? join(place, "cwd"), path);
  };
  const named = words[2] ?? variables.get("REGISTRY_CONFIGURATION_PATH");
  const texts = [...(named === undefined ? CONFIGS : [named])].map((path) => read(within(path)));
  const storage = storageIn(texts.find((text) => text !== null) ?? "");
  const told =
    variables.get("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY") ??
    textIn(storage, "filesystem", "rootdirectory");
  const cache =
    variables.get("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR") ??
    textIn(storage, "cache", "blobdescriptor") ??
    textIn(storage, "cache", "layerinfo");
  const unknown = environ === null || texts.every((text) => text === null);
  return {
    folder: told === null && unknown ? null : within(told ?? ROOT),
    caches: unknown || (cache !== null && cache !== ""),
  };
}

function storageIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const { storage } = parse(text) as { storage?: unknown };
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

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
