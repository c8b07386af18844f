import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import tar from "tar-stream";
import { RegistryError } from "../oci/errors.ts";
import { invalid } from "./document.ts";
import type { ReadEntry } from "./read-entry.ts";

const PIECE = 256 * 1024;
/** An archive ends with two empty blocks. */
const END = 1024;

/**
 * The files of an archive, compressed or not, in their order. Throws BACKUP_INVALID when it is damaged,
 * cut off, or has anything in it but files and folders at plain relative paths: nothing is ever created
 * by the names in an archive, but who packed such a thing meant something that we would not do.
 */
export async function* readTar(path: string): AsyncGenerator<ReadEntry> {
  const decompressor = await decompressorOf(path);
  const extract = tar.extract();
  const tail = new Tail();
  const file = createReadStream(path, { highWaterMark: PIECE });
  const flowing = (
    decompressor ? pipeline(file, decompressor, tail, extract) : pipeline(file, tail, extract)
  ).then(
    () => null,
    (error: unknown) => asError(error),
  );
  try {
    for await (const entry of extract) {
      const { name, type, size, mtime, pax } = entry.header;
      const problem = problemOf(name, type, pax);
      if (problem !== null) throw invalid(path, `${JSON.stringify(name.slice(0, 300))} ${problem}`);
      if (type === "directory") entry.resume();
      else {
        const modifiedAt = mtime?.getTime() ?? 0;
        const bytes = entry as unknown as AsyncIterable<Uint8Array>;
        const body = inOurWords(bytes, async (error) => whole(path, error, await flowing));
        yield { path: name, size: size ?? 0, modifiedAt, body };
        // What was not wanted of it is passed over.
        entry.resume();
      }
    }
    const failure = await flowing;
    if (failure !== null) throw failure;
    if (!tail.isEmpty) throw invalid(path, "it is cut off: it does not end as archives do");
  } catch (error) {
    extract.destroy();
    file.destroy();
    throw whole(path, error, await flowing);
  } finally {
    extract.destroy();
    file.destroy();
  }
}

/** What ends the archive ends the body of the file that is being read. */
async function* inOurWords(
  bytes: AsyncIterable<Uint8Array>,
  words: (error: unknown) => Promise<unknown>,
): AsyncGenerator<Uint8Array> {
  const pieces = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pieces.next().catch(async (error: unknown) => {
        throw await words(error);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await pieces.return?.();
  }
}

function whole(path: string, error: unknown, failure: unknown): unknown {
  if (error instanceof RegistryError) return error;
  const first = failure ?? error;
  if (!(first instanceof Error)) return first;
  const { code = "" } = first as { code?: string };
  // What reading the file says is about the disk, not about the archive.
  if (/^E[A-Z]+$/.test(code)) return invalid(path, `it cannot be read (${first.message})`, first);
  const cut = /unexpected end/i.test(first.message) ? "it is cut off" : "it is damaged";
  return invalid(path, `${cut} (${first.message})`, first);
}

/** Why an entry is refused; null: it is not. */
function problemOf(name: string, type: string | null | undefined, pax: unknown): string | null {
  if (type === "symlink" || type === "link")
    return `is a ${type === "link" ? "hard" : "symbolic"} link`;
  if (type !== "file" && type !== "contiguous-file" && type !== "directory") {
    return `is no plain file (${type ?? "of a kind that is not known, perhaps sparse"})`;
  }
  if (Object.keys((pax as object | null) ?? {}).some((key) => key.startsWith("GNU.sparse.")))
    return "is a sparse file";
  if (name.startsWith("/") || /^[a-z]:[\\/]/i.test(name))
    return "is an absolute path; pack it without -P";
  if (name.split(/[\\/]/).includes("..")) return "leads out of the archive";
  return name.includes("\0") ? "has a zero byte in its name" : null;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function decompressorOf(path: string): Promise<NodeJS.ReadWriteStream | null> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw invalid(path, `it cannot be read (${(error as Error).message})`, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead < 4) throw invalid(path, "it is empty or cut off");
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return createGunzip();
    return buffer.readUInt32LE(0) === 0xfd2fb528 ? createZstdDecompress() : null;
  } finally {
    await file.close();
  }
}

/** Passes everything on, and remembers how it ended: zstd does not say that its input was cut off. */
class Tail extends Transform {
  #last = Buffer.alloc(0);

  constructor() {
    super({ highWaterMark: PIECE });
  }

  override _transform(chunk: Buffer, _: string, done: (error: null, chunk: Buffer) => void): void {
    const end = chunk.length >= END ? chunk : Buffer.concat([this.#last, chunk]);
    this.#last = Buffer.from(end.subarray(Math.max(end.length - END, 0)));
    done(null, chunk);
  }

  get isEmpty(): boolean {
    return this.#last.length === END && this.#last.every((byte) => byte === 0);
  }
}
