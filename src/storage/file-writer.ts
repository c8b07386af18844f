import type { OpenFile } from "./disk.ts";
import { refused } from "./failed-sync.ts";
import type { ObjectWriter } from "./storage.ts";

/**
 * Network chunks are at most 64 KiB, often less, and each call for the disk costs a change of threads. All
 * writers together gather about this many bytes, so that few of them write in large pieces, and many do
 * not fill the memory.
 */
const GATHERED_BY_ALL = 4 * 1024 * 1024;
const GATHERED_MOST = 512 * 1024;
let writers = 0;

/**
 * After this many bytes the disk is told to begin. Left to itself the system would gather a large layer
 * in memory, and the sync at its end would wait for all of it.
 */
const WRITE_OUT = 32 * 1024 * 1024;

/**
 * Makes a file end at `offset`: cuts off what an interrupted write left behind it. Throws when it ends
 * before: writing there would leave a hole of zeros that nobody sent.
 */
export async function endAt(file: OpenFile, offset: number): Promise<void> {
  const { size } = await file.stat();
  if (size < offset) throw new Error(`cannot append at ${offset}: the object ends at ${size}`);
  if (size > offset) await file.truncate(offset);
}

/**
 * Appends to an open file, which it owns from now on.
 *
 * Small chunks are gathered and written with one system call, in a thread of the pool, while the next
 * ones arrive: at most two gathers are in memory for each upload.
 */
export function appendToFile(file: OpenFile, offset: number): ObjectWriter {
  let position = offset;
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  /** The write under way. Never rejects: its error is thrown by the next call. */
  let writing: Promise<void> | undefined;
  /** The early write-out under way; never rejects either. */
  let writingOut: Promise<void> | undefined;
  let writtenOut = offset;
  let failure: Error | undefined;
  let closed = false;
  writers++;

  const fail = (error: Error): void => {
    failure ??= error;
  };

  const flush = (): void => {
    if (bytes === 0) return;
    const chunks = gathered;
    const start = position;
    position += bytes;
    gathered = [];
    bytes = 0;
    writing = writeAll(file, chunks, start).catch(fail);
    if (writingOut || start - writtenOut < WRITE_OUT) return;
    writtenOut = start;
    writingOut = file
      .datasync()
      .catch(refused)
      .catch(fail)
      .finally(() => {
        writingOut = undefined;
      });
  };
  const settle = async (): Promise<void> => {
    await writing;
    flush();
    await writing;
    await writingOut;
    if (failure) throw failure;
  };

  return {
    write(chunk) {
      gathered.push(chunk);
      bytes += chunk.length;
      if (bytes < Math.min(GATHERED_MOST, GATHERED_BY_ALL / writers)) return undefined;
      return (async () => {
        await writing;
        if (failure) throw failure;
        flush();
      })();
    },
    async sync() {
      await settle();
      // A second sync after a failed one may succeed although the bytes are lost: it must not be asked.
      await file.sync().catch(refused).catch(fail);
      if (failure) throw failure;
    },
    async close() {
      if (closed) return;
      closed = true;
      writers--;
      try {
        await settle();
      } finally {
        await file.close();
      }
    },
  };
}

/** A disk that is nearly full takes a part of the bytes, and says why only on the next call. */
async function writeAll(file: OpenFile, chunks: Uint8Array[], start: number): Promise<void> {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await file.writev(chunks, start);
  if (bytesWritten === size) return;
  if (bytesWritten === 0) {
    throw Object.assign(new Error("the disk took no more bytes"), { code: "ENOSPC" });
  }
  await writeAll(file, [Buffer.concat(chunks).subarray(bytesWritten)], start + bytesWritten);
}
