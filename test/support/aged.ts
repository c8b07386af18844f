import { lutimes, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Makes everything below a folder look as if it had been written so many days ago. */
export async function age(folder: string, days = 30): Promise<void> {
  const then = new Date(Date.now() - days * 86_400_000);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    try {
      await lutimes(join(entry.parentPath, entry.name), then, then);
    } catch (error) {
      // docker-registry removes the folder of an upload a moment after it has answered.
      if ((error as { code?: string }).code !== "ENOENT") throw error;
    }
  }
}
