import { type Job, type Removed, type RemovalRequest, doJobs } from "./removals.ts";

/** So many jobs a thread takes at a time. */
const BATCH = 50;

/**
 * Removes from several threads at once: on journalling file systems one removal waits long for little, and
 * several wait together. Jobs are independent of each other, and are done in any order.
 */
export class RemovalPool {
  readonly #idle: Worker[] = [];
  readonly #all: Worker[] = [];

  constructor(
    readonly root: string,
    readonly threads: number,
  ) {}

  async run(jobs: readonly Job[]): Promise<Removed> {
    if (jobs.length <= BATCH) return doJobs(this.root, jobs);
    const batches: (readonly Job[])[] = [];
    for (let at = 0; at < jobs.length; at += BATCH) batches.push(jobs.slice(at, at + BATCH));
    const results: Removed[] = [];
    const lane = async (): Promise<void> => {
      const worker = this.#take();
      try {
        for (let next = batches.pop(); next; next = batches.pop()) {
          results.push(await ask(worker, { root: this.root, jobs: next }));
        }
      } finally {
        this.#idle.push(worker);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.threads, batches.length) }, lane));
    return {
      failed: results.flatMap(({ failed }) => failed),
      left: results.flatMap(({ left }) => left),
    };
  }

  close(): void {
    for (const worker of this.#all) worker.terminate();
  }

  #take(): Worker {
    const idle = this.#idle.pop();
    if (idle) return idle;
    const worker = new Worker(new URL("./removal-worker.ts", import.meta.url).href);
    this.#all.push(worker);
    return worker;
  }
}

async function ask(worker: Worker, request: RemovalRequest): Promise<Removed> {
  return await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Removed>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`a thread has ended: ${message}`));
    worker.postMessage(request);
  });
}
