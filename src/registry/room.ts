import { statfsSync } from "node:fs";
import { join } from "node:path";
import { RegistryError } from "../oci/errors.ts";
import { Reserve } from "../storage/reserve.ts";
import { OURS } from "../storage/tree.ts";

/** Bytes of the reserve, and as much again that pushes leave free; less on a disk that is itself small. */
const RESERVE = 16 * 1024 * 1024;
/** Files and folders that pushes leave, on file systems that count them: an image makes about 20. */
const INODES = 1000;
/** The part of a small disk that each of these may be. */
const PART = 16;

/** A look at the disk is some microseconds; pushes write many chunks in this time. */
const LOOK_MS = 20;

/** What a disk has, and what of it is free for us. Zero files: it does not count them. */
export interface Space {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly files: number;
  readonly freeFiles: number;
}

/**
 * Keeps a data folder able to shrink when its disk is full.
 *
 * Pushes are refused while there is still some room, so that what they leave half done, and the
 * database behind every delete, can be written. Should somebody else take that room, a reserve is given
 * up for the sake of deletes, and taken again when there is room.
 */
export class Room {
  readonly #reserve: Reserve;
  readonly #low: { readonly bytes: number; readonly files: number };
  /** Whether the reserve is there. While it is not, its room is not for pushes. */
  #reserved = false;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #isLow = false;

  constructor(
    readonly folder: string,
    readonly look: (folder: string) => Space = spaceOf,
  ) {
    const { bytes, files } = look(folder);
    this.#low = {
      bytes: Math.min(RESERVE, Math.floor(bytes / PART)),
      files: Math.min(INODES, Math.floor(files / PART)),
    };
    this.#reserve = new Reserve(join(folder, OURS, "reserve"), this.#low.bytes);
  }

  /** Whether pushes are refused for want of room. */
  isLow(): boolean {
    const now = performance.now();
    if (now - this.#checkedAt < LOOK_MS) return this.#isLow;
    this.#checkedAt = now;
    const { freeBytes, files, freeFiles } = this.look(this.folder);
    const outOfFiles = files > 0 && freeFiles < this.#low.files;
    this.#isLow = outOfFiles || freeBytes < this.#kept;
    return this.#isLow;
  }

  /** Throws STORAGE_FULL when a push would use up what deletes need. */
  check(): void {
    if (this.isLow()) throw new RegistryError("STORAGE_FULL");
  }

  /** Does something that frees room in the end; when there is none for it now, with that of the reserve. */
  async freeing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RegistryError) || error.kind !== "STORAGE_FULL") throw error;
      this.#release();
      return await work();
    }
  }

  /** Gives up the reserve when there is too little room even to begin. */
  makeSome(): void {
    if (this.look(this.folder).freeBytes < this.#low.bytes / 2) this.#release();
  }

  /** Takes the reserve (again), if that leaves room for pushes. */
  async refill(): Promise<void> {
    this.#reserved ||= await this.#reserve.isFull();
    if (this.#reserved || this.look(this.folder).freeBytes < this.#kept) return;
    await this.#reserve.fill();
    this.#reserved = true;
  }

  /** What pushes leave free, in bytes. */
  get #kept(): number {
    return this.#reserved ? this.#low.bytes : 2 * this.#low.bytes;
  }

  #release(): void {
    this.#reserved = false;
    this.#reserve.release();
  }
}

function spaceOf(folder: string): Space {
  const { bsize, blocks, bavail, files, ffree } = statfsSync(folder);
  return { bytes: blocks * bsize, freeBytes: bavail * bsize, files, freeFiles: ffree };
}
