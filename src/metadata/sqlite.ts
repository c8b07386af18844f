import { RegistryError } from "../oci/errors.ts";
import type { Metadata, MetadataWrites } from "./metadata.ts";
import { openForReading } from "./sqlite-file.ts";
import { sqliteReads } from "./sqlite-reads.ts";
import type { Command, Failure, Reply, Request } from "./sqlite-worker.ts";

/** Every method that writes: the compiler misses one that is left out. */
const WRITES = Object.keys({
  linkBlob: true,
  mountBlob: true,
  unlinkBlob: true,
  putManifest: true,
  removeTag: true,
  removeManifest: true,
  saveUpload: true,
  removeUpload: true,
  retireJournal: true,
  setSetting: true,
  replaceRepository: true,
  setListeners: true,
  advanceCursors: true,
  trimEvents: true,
  see: true,
  review: true,
  reviewRepository: true,
  collect: true,
  doom: true,
  clear: true,
  claim: true,
  settle: true,
  removeTrash: true,
  addTrash: true,
  passTrash: true,
  startRun: true,
  endRun: true,
  recordPulls: true,
  recordBuilt: true,
} satisfies Record<keyof MetadataWrites, true>) as (keyof MetadataWrites)[];

/** Hears of every transaction: how many changes it held, and how long it took, in milliseconds. */
export type Committed = (changes: number, ms: number) => void;

/** Opens (or creates) the database file. Throws DATA_FOLDER when it cannot be used. */
export async function openSqlite(
  path: string,
  committed: Committed = () => undefined,
): Promise<Metadata> {
  const writer = new Writer(committed);
  const opened = await writer.send({ open: path });
  if ("failure" in opened) {
    writer.terminate();
    throw new RegistryError("DATA_FOLDER", { reason: `${path}: ${whyNot(opened.failure)}` });
  }
  const reader = openForReading(path);
  return {
    ...sqliteReads(reader),
    ...writer.methods(),
    async close() {
      // The last connection tidies up the log, and only the writer's may write.
      await writer.settled();
      reader.close();
      await writer.close();
    },
  };
}

/** The tree has all content; what the database alone knows is worth a look at a backup first. */
const REBUILD =
  "put back a backup of it, or move it away with its -wal and -shm files: then all that the tree has is read from there";

function whyNot({ message, code }: Failure): string {
  return /^SQLITE_(?:CORRUPT|NOTADB)/.test(code ?? "") ? `${message}; ${REBUILD}` : message;
}

interface Waiting extends Command {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The caller's end of the writer's thread. One message is under way at a time; what is asked meanwhile
 * waits for the next, so the size of a commit adapts to the load and to the speed of the disk.
 */
class Writer {
  readonly #worker = new Worker(new URL("./sqlite-worker.ts", import.meta.url).href);
  #waiting: Waiting[] = [];
  #busy: Promise<void> | null = null;
  /** Why no change can be made any more. */
  #stopped: (Failure & { readonly failedSync?: boolean }) | null = null;

  constructor(readonly committed: Committed) {}

  /** Sends one message and waits for its answer. Only one at a time. */
  async send(request: Request): Promise<Reply> {
    if (this.#stopped) return { failure: this.#stopped };
    const reply = await new Promise<Reply>((resolve) => {
      this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
      this.#worker.onerror = ({ message }) => {
        this.#stopped = { message: `its thread has ended: ${message}`, code: null };
        resolve({ failure: this.#stopped });
      };
      this.#worker.postMessage(request);
    });
    // A sync that failed may have dropped what it should have written, and the next one would not say
    // so. What is committed is in doubt until the database is opened anew.
    if ("failure" in reply && /^SQLITE_IOERR_(?:DIR_)?FSYNC$/.test(reply.failure.code ?? "")) {
      this.#stopped = { ...reply.failure, failedSync: true };
    }
    return reply;
  }

  methods(): MetadataWrites {
    const methods = WRITES.map((method) => [
      method,
      async (...parameters: unknown[]) => await this.#ask(method, parameters),
    ]);
    return Object.fromEntries(methods) as MetadataWrites;
  }

  #ask(method: keyof MetadataWrites, parameters: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ method, parameters, resolve, reject });
      this.#busy ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Lets the other requests of this turn of the event loop join the first commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#commit(batch);
    }
    this.#busy = null;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const commands = batch.map(({ method, parameters }) => ({ method, parameters }));
    const began = performance.now();
    const reply = await this.send({ commands });
    if ("results" in reply) {
      this.committed(batch.length, performance.now() - began);
      batch.forEach(({ resolve }, index) => resolve(reply.results[index]));
    } else if (batch.length > 1) {
      // Nothing of it was done. One of them may be at fault, and shall not take the others with it.
      for (const one of batch) await this.#commit([one]);
    } else {
      batch[0]?.reject(failed(reply.failure, this.#stopped?.failedSync === true));
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#busy;
  }

  async close(): Promise<void> {
    await this.settled();
    const closed = this.send("close");
    // Whatever is asked from here on must not take the answer to this.
    this.#stopped = { message: "it is closed", code: null };
    await closed;
    this.terminate();
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

/** What SQLite says when there is no room for its files. */
const FULL = new Set(["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"]);

function failed({ message, code }: Failure, stopped: boolean): Error {
  const cause = Object.assign(new Error(`metadata: ${message} (${code ?? "no code"})`), { code });
  const kind = FULL.has(code ?? "") ? "STORAGE_FULL" : "UNAVAILABLE";
  return new RegistryError(stopped ? "WRITES_STOPPED" : kind, {}, { cause });
}
