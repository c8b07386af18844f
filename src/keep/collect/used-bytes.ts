import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { BLOBS } from "../../storage/tree.ts";

/** Bytes of the blobs in a registry's folder; null: it cannot be read. What vanishes meanwhile counts nothing. */
export async function usedBytes(folder: string): Promise<number | null> {
  try {
    let bytes = 0;
    const walk = async (path: string): Promise<void> => {
      for (const entry of await readdir(path, { withFileTypes: true })) {
        const inner = join(path, entry.name);
        if (entry.isDirectory()) await walk(inner).catch(unlessGone);
        else if (entry.isFile()) bytes += (await lstat(inner).catch(unlessGone))?.size ?? 0;
      }
    };
    await walk(join(folder, BLOBS)).catch(unlessGone);
    return bytes;
  } catch {
    return null;
  }
}

function unlessGone(error: unknown): undefined {
  if ((error as { code?: string }).code !== "ENOENT") throw error;
}
