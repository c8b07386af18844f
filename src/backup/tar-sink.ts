import { randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { once } from "node:events";
import { dirname, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import tar from "tar-stream";
import { RegistryError } from "../oci/errors.ts";
import { syncPath } from "../storage/sync-filesystem.ts";
import { type BackupDocument, documentBytes } from "./document.ts";
import { DOCUMENT, LIST } from "./set.ts";
import type { Body, Sink, SinkEntry } from "./sink.ts";

/** Bytes that are written at a time. */
const PIECE = 256 * 1024;

export type Compression = "none" | "gzip" | "zstd";

/** How the name of a target says that it shall be compressed; null: it is no name of an archive. */
export function compressionOf(target: string): Compression | null {
  if (/\.tar$/i.test(target)) return "none";
  if (/\.(tar\.gz|tgz)$/i.test(target)) return "gzip";
  return /\.(tar\.zst|tzst)$/i.test(target) ? "zstd" : null;
}

/** What lies in a target is not lost by a slip. Throws BACKUP_EXISTS. */
export function refuseExisting(target: string, force: boolean): void {
  if (force || !existsSync(target)) return;
  const reason = `${target} is there already; --force replaces it`;
  throw new RegistryError("BACKUP_EXISTS", { reason });
}

/**
 * An archive: written beside its place under a name that no restore takes, synced, then renamed.
 * Throws BACKUP_EXISTS, or what the file system says.
 */
export async function tarSink(target: string, force: boolean): Promise<Sink> {
  const path = resolve(target);
  refuseExisting(path, force);
  const partial = `${path}.partial-${randomBytes(4).toString("hex")}`;
  // Layers are private, and so may be what else is in it.
  const file = await open(partial, "wx", 0o600);
  const pack = tar.pack();
  const writer = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const piece of inPieces(bytes)) await file.writeFile(piece);
  };
  const compressor = compressorOf(compressionOf(target) ?? "none");
  let failure: Error | null = null;
  const written = (compressor ? pipeline(pack, compressor, writer) : pipeline(pack, writer)).catch(
    (error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
    },
  );

  const add = async (
    { path: name, size, modifiedAt, secret }: SinkEntry,
    body: Body,
  ): Promise<void> => {
    if (failure !== null) throw failure;
    const mode = secret ? 0o600 : 0o644;
    const { promise: ended, resolve: end, reject } = Promise.withResolvers<null>();
    // Whoever awaits it below hears of it; what fails before must not count as unheard.
    ended.catch(() => undefined);
    const header = { name, size, mode, mtime: new Date(modifiedAt), type: "file" } as const;
    const called = (error?: Error | null): void => (error ? reject(error) : end(null));
    try {
      if (body instanceof Uint8Array) pack.entry(header, Buffer.from(body), called);
      else {
        const entry = pack.entry(header, called);
        for await (const chunk of body) {
          if (!entry.write(chunk)) await Promise.race([once(entry, "drain"), ended]);
        }
        entry.end(null);
      }
      await ended;
    } catch (error) {
      pack.destroy();
      throw failure ?? error;
    }
  };

  return {
    async begin(document: BackupDocument, list) {
      const bytes = documentBytes(document);
      const modifiedAt = Date.parse(document.at);
      await add({ path: DOCUMENT, size: bytes.length, modifiedAt }, bytes);
      await add({ path: LIST, size: list.size, modifiedAt }, createReadStream(list.path));
    },
    has: async () => false,
    add,
    async finish() {
      pack.finalize();
      await written;
      if (failure !== null) throw failure;
      await file.sync();
      await file.close();
      refuseExisting(path, force);
      await rename(partial, path);
      syncPath(dirname(path));
    },
    async abandon() {
      pack.destroy();
      await written;
      await file.close().catch(() => undefined);
      await rm(partial, { force: true });
    },
  };
}

/** Headers and links are half a kilobyte each: written one by one they would cost a call each. */
async function* inPieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    gathered.push(chunk);
    size += chunk.length;
    if (size < PIECE) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(gathered);
}

function compressorOf(compression: Compression): NodeJS.ReadWriteStream | null {
  if (compression === "none") return null;
  // Layers are compressed already; what there is to win is in configs, manifests and links.
  if (compression === "gzip") return createGzip({ level: 1 });
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  return createZstdCompress({ params });
}

/** Bytes of a finished archive. */
export async function sizeOf(target: string): Promise<number> {
  return (await stat(target)).size;
}
