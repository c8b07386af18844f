import { dirname } from "node:path";
import { type Disk, realDisk } from "./disk.ts";
import { refused } from "./failed-sync.ts";

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

  constructor(
    readonly root: string,
    readonly disk: Disk = realDisk,
  ) {}

  /** Resolves when the folder and all that lead to it from the root are there and durable. */
  ensure(folder: string): Promise<void> {
    const known = this.#durable.get(folder);
    if (known) return known;
    const made = this.#make(folder);
    this.#durable.set(folder, made);
    made.catch(() => this.#durable.delete(folder));
    if (this.#durable.size > REMEMBERED) {
      this.#durable.delete(this.#durable.keys().next().value ?? "");
    }
    return made;
  }

  /** Does something that needs the folder, once it is there and durable. */
  async within<T>(folder: string, work: () => Promise<T>): Promise<T> {
    await this.ensure(folder);
    try {
      return await work();
    } catch (error) {
      if (!isCode(error, "ENOENT")) throw error;
      // Another program may have tidied an empty folder away since we made it.
      for (let way = folder; way.startsWith(this.root); way = dirname(way)) {
        this.#durable.delete(way);
        if (way === this.root) break;
      }
      await this.ensure(folder);
      return await work();
    }
  }

  /**
   * Renames a file into a folder of its own, as the layout has it for blobs, and syncs both entries:
   * the file's in its folder and the folder's in its parent. The parent is shared, and remembered.
   */
  async moveInto(from: string, to: string): Promise<void> {
    const folder = dirname(to);
    const parent = folder === this.root ? folder : dirname(folder);
    await this.within(parent, () => this.#makeFolder(folder));
    await this.disk.rename(from, to);
    await Promise.all([this.#sync(folder), this.#sync(parent)]);
  }

  /** A removed folder is not durable any more, nor is what was in it. */
  forget(path: string): void {
    for (const known of this.#durable.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#durable.delete(known);
    }
  }

  async #make(folder: string): Promise<void> {
    const parent = dirname(folder);
    if (folder !== this.root) await this.ensure(parent);
    await this.#makeFolder(folder);
    try {
      await this.#sync(parent);
    } catch (error) {
      // The way to the root belongs to whoever made it, and need not be readable for us.
      if (folder !== this.root || !isCode(error, "EACCES")) throw error;
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    try {
      await this.disk.mkdir(folder);
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
    }
  }

  /** Makes the entries of a folder durable. One that is gone has none. */
  async sync(folder: string): Promise<void> {
    try {
      await this.#sync(folder);
    } catch (error) {
      if (!isCode(error, "ENOENT")) throw error;
    }
  }

  /** Opening and closing a folder that we have just used takes some microseconds; only the sync takes a thread. */
  async #sync(folder: string): Promise<void> {
    const descriptor = this.disk.openSync(folder, "r");
    try {
      await this.disk.fsync(descriptor).catch(refused);
    } finally {
      this.disk.closeSync(descriptor);
    }
  }
}

/** Whether an error of a system call has this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
