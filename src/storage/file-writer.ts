import type { FileHandle } from "node:fs/promises";
import type { ObjectWriter } from "./storage.ts";

/** Network chunks are at most 64 KiB; this many bytes go to the disk in one call. */
const GATHERED = 512 * 1024;

/**
 * Appends to an open file, which it owns from now on.
 *
 * Small chunks are gathered and written with one system call, in a thread of the pool, while the next
 * ones arrive: at most two gathers are in memory for each upload.
 */
export async function appendToFile(file: FileHandle, offset: number): Promise<ObjectWriter> {
  let position = offset;
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  /** The write under way. Never rejects: its error is thrown by the next call. */
  let writing: Promise<void> | undefined;
  let failure: Error | undefined;
  let closed = false;

  const flush = (): void => {
    if (bytes === 0) return;
    const chunks = gathered;
    const start = position;
    position += bytes;
    gathered = [];
    bytes = 0;
    writing = writeAll(file, chunks, start).catch((error: Error) => {
      failure ??= error;
    });
  };
  const settle = async (): Promise<void> => {
    await writing;
    flush();
    await writing;
    if (failure) throw failure;
  };

  const { size } = await file.stat();
  if (size < offset) {
    await file.close();
    // Writing here would leave a hole of zeros that nobody sent.
    throw new Error(`cannot append at ${offset}: the file ends at ${size}`);
  }
  // What an interrupted write left behind the agreed offset.
  if (size > offset) await file.truncate(offset);

  return {
    write(chunk) {
      gathered.push(chunk);
      bytes += chunk.length;
      if (bytes < GATHERED) return undefined;
      return (async () => {
        await writing;
        if (failure) throw failure;
        flush();
      })();
    },
    async sync() {
      await settle();
      await file.sync();
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        await settle();
      } finally {
        await file.close();
      }
    },
  };
}

/** A disk that is nearly full takes a part of the bytes and says so only on the next call. */
async function writeAll(file: FileHandle, chunks: Uint8Array[], start: number): Promise<void> {
  const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  let written = 0;
  while (written < whole.length) {
    const { bytesWritten } = await file.write(whole, written, whole.length - written, start + written);
    if (bytesWritten === 0) {
      throw Object.assign(new Error("the disk took no more bytes"), { code: "ENOSPC" });
    }
    written += bytesWritten;
  }
}
