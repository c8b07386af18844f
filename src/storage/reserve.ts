import { randomFillSync } from "node:crypto";
import { closeSync, fsyncSync, ftruncateSync, openSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { isCode } from "./folders.ts";
import { libraryCall } from "./libc.ts";

/** Bytes written at a time. */
const PIECE = 256 * 1024;

/**
 * A file that only takes up room: what a full disk can be given so that deletes still can be recorded.
 *
 * Its blocks are really allocated. Where the system has no call for that, random bytes are written, so
 * that no file system can pretend to have room for them.
 */
export class Reserve {
  constructor(
    readonly path: string,
    /** Bytes. */
    readonly size: number,
  ) {}

  /** Whether all of it is there. */
  async isFull(): Promise<boolean> {
    return (await this.#length()) >= this.size;
  }

  /** Takes up the room that is missing. On a failure (ENOSPC, …) it gives back all that it had. */
  async fill(): Promise<void> {
    const length = await this.#length();
    if (length >= this.size) return;
    const file = await open(this.path, "a", 0o600);
    try {
      if (!allocate(file.fd, this.size)) await write(file, this.size - length);
      await file.sync();
    } catch (error) {
      await file.truncate(0);
      throw error;
    } finally {
      await file.close();
    }
  }

  /** Gives its room back. The sync is for file systems that free blocks only then. */
  release(): void {
    const descriptor = openIfThere(this.path);
    if (descriptor === null) return;
    try {
      ftruncateSync(descriptor, 0);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  async #length(): Promise<number> {
    return await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if (isCode(error, "ENOENT")) return null;
    throw error;
  }
}

const allocateCall = libraryCall("posix_fallocate", {
  args: ["i32", "i64", "i64"],
  returns: "i32",
});
/** Errors that mean no room, by their numbers on Linux; with all others the call is not to be had here. */
const NO_ROOM: Readonly<Record<number, string>> = { 28: "ENOSPC", 122: "EDQUOT" };

/** Whether the file has blocks for that many bytes now, and this as its size. Throws when there is no room. */
function allocate(descriptor: number, size: number): boolean {
  const failed = allocateCall ? allocateCall(descriptor, 0n, BigInt(size)) : -1;
  const code = NO_ROOM[failed];
  if (code) throw Object.assign(new Error("there is no room for the reserve"), { code });
  return failed === 0;
}

async function write(file: FileHandle, bytes: number): Promise<void> {
  const piece = new Uint8Array(PIECE);
  for (let left = bytes; left > 0; left -= PIECE) {
    randomFillSync(piece);
    const part = piece.subarray(0, Math.min(left, PIECE));
    const { bytesWritten } = await file.write(part);
    if (bytesWritten < part.length)
      throw Object.assign(new Error("the disk took no more bytes"), { code: "ENOSPC" });
  }
}
