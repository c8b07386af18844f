import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** How many folders are remembered as durable. The tree's shared ones are a few hundred. */
const REMEMBERED = 4096;

/**
 * Creates folders so that they survive a power cut, and remembers which do.
 *
 * A folder is durable when the entry in its parent was synced. It is not enough to see it: another
 * request may have created it a moment ago and not synced the parent yet. So only folders whose parent
 * this process has synced count, and each is synced once.
 */
export class Folders {
  readonly #durable = new Map<string, Promise<void>>();

  constructor(readonly root: string) {}

  /** Resolves when the folder and all that lead to it from the root are there and durable. */
  ensure(folder: string): Promise<void> {
    const known = this.#durable.get(folder);
    if (known) return known;
    const made = this.#make(folder);
    this.#durable.set(folder, made);
    made.catch(() => this.#durable.delete(folder));
    if (this.#durable.size > REMEMBERED) this.#durable.delete(this.#durable.keys().next().value ?? "");
    return made;
  }

  async #make(folder: string): Promise<void> {
    const parent = dirname(folder);
    if (folder !== this.root) await this.ensure(parent);
    await makeFolder(folder);
    await syncFolder(parent);
  }

  /**
   * Renames a file into a folder of its own, as the layout has it for blobs, and syncs both entries:
   * the file's in its folder and the folder's in its parent. The parent is shared, and remembered.
   */
  async moveInto(from: string, to: string): Promise<void> {
    const folder = dirname(to);
    const parent = dirname(folder);
    await this.ensure(parent);
    await makeFolder(folder);
    await rename(from, to);
    await Promise.all([syncFolder(folder), syncFolder(parent)]);
  }

  /** A removed folder is not durable any more, nor is what was in it. */
  forget(path: string): void {
    for (const known of this.#durable.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#durable.delete(known);
    }
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
