import type { ObjectWriter, Storage } from "../storage/storage.ts";
import { uploadPath } from "../storage/tree.ts";

/** Up to this many bytes an upload stays in memory: most are configs, and never need a file of their own. */
export const SMALL = 16 * 1024;

/**
 * Where the bytes of one upload are: in memory while they are few, then in a file.
 *
 * A small blob becomes durable with the transaction that links it, for the price of no file, no folder
 * and no sync; the tree gets it from the journal, as it gets manifests.
 */
export class UploadBytes {
  /** Null as soon as they are in the file. */
  #held: Uint8Array<ArrayBuffer> | null;
  readonly #path: string;
  /** Written by an earlier life of this server, and not by this one. */
  #inherited: boolean;

  /** `stored`: the file is there already, from an earlier life. */
  constructor(
    id: string,
    readonly storage: Storage,
    stored = false,
  ) {
    this.#path = uploadPath(id);
    this.#held = stored ? null : new Uint8Array();
    this.#inherited = stored;
  }

  /** All of them, if they are in memory. */
  get held(): Uint8Array<ArrayBuffer> | null {
    return this.#held;
  }

  /** As `Storage.append`; bytes that stay in memory are on stable storage only with their blob's link. */
  async append(offset: number): Promise<ObjectWriter> {
    if (this.#held === null) return await this.storage.append(this.#path, offset);
    return this.#hold(this.#held.subarray(0, offset));
  }

  /** The first `end` bytes; null when they are lost. */
  async read(end: number): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array> | null> {
    if (this.#held !== null) return [this.#held.subarray(0, end)];
    const stored = await this.storage.read(this.#path, { start: 0, end });
    if (!stored || stored.size < end) return null;
    return stored.body instanceof Blob ? stored.body.stream() : stored.body;
  }

  /**
   * Writes the first `end` bytes into a new file when they are of an earlier life. That one may have seen
   * the disk fail: then these can be read, and are not on it, and no sync of the old file would say so.
   */
  async renew(end: number): Promise<void> {
    if (!this.#inherited) return;
    const bytes = await this.read(end);
    if (!bytes) return;
    const path = `${this.#path}-renewed`;
    try {
      const writer = await this.storage.append(path, 0);
      try {
        for await (const chunk of bytes) await writer.write(chunk);
      } finally {
        await writer.close();
      }
      await this.storage.move(path, this.#path);
    } catch (error) {
      // On a full disk half a copy would make it worse, until the next start.
      await this.storage.delete(path).catch(() => undefined);
      throw error;
    }
    this.#inherited = false;
  }

  /** Makes a file of them, so that a restart finds it. */
  async store(): Promise<void> {
    if (this.#held === null) return;
    const writer = await this.storage.append(this.#path, 0);
    await writer.write(this.#held);
    await writer.close();
    this.#held = null;
  }

  /** As `Storage.move`, for bytes that are in the file, and synced. */
  async moveTo(path: string): Promise<void> {
    await this.storage.move(this.#path, path);
  }

  async discard(): Promise<void> {
    this.#held = new Uint8Array();
    await this.storage.delete(this.#path);
  }

  /** Gathers in memory, and goes over to the file when it becomes too much. */
  #hold(before: Uint8Array): ObjectWriter {
    const chunks = [before];
    let size = before.length;
    let file: ObjectWriter | null = null;
    const spill = async (): Promise<void> => {
      const opened = await this.storage.append(this.#path, 0);
      file = opened;
      for (const chunk of chunks) await opened.write(chunk);
      // Only now: if this fails, what was held before is still right.
      this.#held = null;
    };
    return {
      write(chunk) {
        if (file) return file.write(chunk);
        chunks.push(chunk);
        size += chunk.length;
        return size > SMALL ? spill() : undefined;
      },
      async sync() {
        await file?.sync();
      },
      close: async () => {
        if (file) await file.close();
        else this.#held = new Uint8Array(Buffer.concat(chunks));
      },
    };
  }
}
