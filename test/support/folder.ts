import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Folder extends AsyncDisposable {
  readonly path: string;
  /** A path inside; its parents are not created. */
  at(...names: string[]): string;
  /** An empty folder inside. */
  folder(...names: string[]): Promise<string>;
}

/** A folder that is gone when the scope that holds it ends: `await using folder = …`. */
export async function temporaryFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "wharf-test-"));
  const at = (...names: string[]): string => join(path, ...names);
  return {
    path,
    at,
    async folder(...names) {
      await mkdir(at(...names), { recursive: true });
      return at(...names);
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Every file below a folder, as paths relative to it; none if there is no such folder. */
export async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .toSorted();
}
