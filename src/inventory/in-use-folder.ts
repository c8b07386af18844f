import { type Dirent } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { addCompose, isCompose, parseDotenv, type Variables } from "./in-use-compose.ts";
import type { Images } from "./in-use-images.ts";
import { addKustomization, isKustomization, type Renaming } from "./in-use-kustomize.ts";
import { addObject } from "./in-use-objects.ts";
import { decode } from "./in-use-output.ts";

const MANIFEST = /(?:\.ya?ml|\.json|^[Kk]ustomization)$/;
/** What holds copies of others' files, thousands of them, and nothing that is deployed. */
const PASSED_OVER = new Set([".git", "node_modules"]);

export interface FolderLimits {
  /** Of one file. */
  readonly fileBytes: number;
  readonly files: number;
  /** Of all files together. */
  readonly bytes: number;
}

export const FOLDER_LIMITS: FolderLimits = {
  fileBytes: 16 * 1024 * 1024,
  files: 50_000,
  bytes: 512 * 1024 * 1024,
};

/** More aliases than people write. */
const MOST_ALIASES = 1000;

/**
 * Adds the images that the manifests in a folder name, and in those below it: of Kubernetes, Kustomize and
 * Compose, in YAML and JSON. What cannot be read or understood is a fault with its path, for the image that
 * somebody runs may stand just there; templates of Helm are no YAML before they are rendered.
 *
 * Throws an error in a few words when the folder itself cannot be read, or a limit is passed.
 */
export async function addFolder(
  folder: string,
  environment: Variables,
  images: Images,
  limits: FolderLimits = FOLDER_LIMITS,
): Promise<void> {
  const files = await manifestsIn(folder, limits, images);
  const renamings: Renaming[] = [];
  let bytes = 0;
  for (const path of files) {
    try {
      const { size } = await stat(join(folder, path));
      if (size > limits.fileBytes) throw new Error(`is larger than ${limits.fileBytes} bytes`);
      bytes += size;
      if (bytes > limits.bytes) throw new Limit(`has more than ${limits.bytes} bytes of manifests`);
      const text = decode(await readFile(join(folder, path)));
      for (const [index, document] of documentsOf(path, text).entries()) {
        const place = index === 0 ? path : `${path} (document ${index + 1})`;
        if (isCompose(document)) {
          const dotenv = await dotenvBeside(join(folder, path));
          addCompose(document, place, { environment, dotenv }, images);
        } else if (isKustomization(path, document)) {
          renamings.push(...addKustomization(document, place, images));
        } else addObject(document, place, images);
      }
    } catch (error) {
      if (error instanceof Limit) throw error;
      images.fault(path, (error as Error).message);
    }
  }
  for (const rename of renamings) rename(images);
}

class Limit extends Error {}

/** Relative paths in the order of their names. Links are followed, and each folder is read once. */
async function manifestsIn(
  folder: string,
  limits: FolderLimits,
  images: Images,
): Promise<readonly string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  const walk = async (below: string): Promise<void> => {
    const here = join(folder, below);
    const real = await realpath(here);
    if (seen.has(real)) return;
    seen.add(real);
    const entries = await readdir(here, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      try {
        const kind = await kindOf(entry, join(folder, path));
        if (kind === "folder" && !PASSED_OVER.has(entry.name)) await walk(path);
        if (kind === "file" && MANIFEST.test(entry.name)) found.push(path);
      } catch (error) {
        if (error instanceof Limit) throw error;
        images.fault(path, `it cannot be read (${(error as Error).message})`);
      }
      if (found.length > limits.files) {
        throw new Limit(`has more than ${limits.files} manifests`);
      }
    }
  };
  await walk("");
  return found;
}

async function kindOf(entry: Dirent, path: string): Promise<"file" | "folder" | "other"> {
  const one = entry.isSymbolicLink() ? await stat(path) : entry;
  if (one.isDirectory()) return "folder";
  return one.isFile() ? "file" : "other";
}

/** Throws for what is no YAML or JSON, with the line. */
function documentsOf(path: string, text: string): unknown[] {
  if (path.endsWith(".json")) {
    try {
      return [JSON.parse(text.replace(/^\uFEFF/, ""))];
    } catch {
      throw new Error("it is no JSON");
    }
  }
  const documents = parseAllDocuments(text, { merge: true, logLevel: "silent" });
  // An empty stream is an empty list with a property: no document.
  return [...documents].map((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = error.linePos?.[0].line ?? 0;
      const hint = text.includes("{{") ? "; templates must be rendered first (helm template)" : "";
      throw new Error(`line ${line}: it is no YAML${hint}`);
    }
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  });
}

async function dotenvBeside(path: string): Promise<Variables> {
  try {
    return parseDotenv(decode(await readFile(join(path, "..", ".env"))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(`the .env beside it cannot be read (${(error as Error).message})`, {
      cause: error,
    });
  }
}
