import { RegistryError } from "../oci/errors.ts";
import type { Metadata, MetadataWrites } from "./metadata.ts";
import { openForReading } from "./sqlite-file.ts";
import { sqliteReads } from "./sqlite-reads.ts";
import type { Command, Failure, Reply, Request } from "./sqlite-worker.ts";

const WRITES: readonly (keyof MetadataWrites)[] = [
  "linkBlob",
  "mountBlob",
  "unlinkBlob",
  "putManifest",
  "removeTag",
  "removeManifest",
  "saveUpload",
  "removeUpload",
  "retireJournal",
  "setSetting",
  "replaceRepository",
];

/** Opens (or creates) the database file. Throws DATA_FOLDER when it cannot be used. */
export async function openSqlite(path: string): Promise<Metadata> {
  const writer = new Writer();
  await writer.send({ open: path });
  const reader = openForReading(path);
  return {
    ...sqliteReads(reader),
    ...writer.methods(),
    async close() {
      await writer.close();
      reader.close();
    },
  };
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

  /** Sends one message and waits for its answer. Only one at a time. */
  async send(request: Request): Promise<readonly unknown[]> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
      this.#worker.onerror = (event) => reject(new Error(event.message));
      this.#worker.postMessage(request);
    });
    if ("failure" in reply) throw failed(reply.failure);
    return reply.results;
  }

  methods(): MetadataWrites {
    const methods = WRITES.map((method) => [
      method,
      async (...parameters: unknown[]) => await this.#ask(method, parameters),
    ]);
    return Object.fromEntries(methods) as unknown as MetadataWrites;
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
      try {
        const commands = batch.map(({ method, parameters }) => ({ method, parameters }));
        const results = await this.send({ commands });
        batch.forEach(({ resolve }, index) => resolve(results[index]));
      } catch (error) {
        for (const { reject } of batch) reject(error as Error);
      }
    }
    this.#busy = null;
  }

  async close(): Promise<void> {
    await this.#busy;
    await this.send("close");
    this.#worker.terminate();
  }
}

function failed({ message, code }: Failure): Error {
  if (code === "SQLITE_FULL") return new RegistryError("STORAGE_FULL", {}, { cause: message });
  return new RegistryError(
    "UNAVAILABLE",
    {},
    { cause: new Error(`metadata: ${message} (${code})`) },
  );
}
