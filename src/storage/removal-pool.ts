import { type Job, type Removed, type RemovalRequest, doJobs } from "./removals.ts";

/** So many jobs a thread takes at a time. */
const BATCH = 50;
/** Jobs of one folder go to one thread, but not more than so many. */
const MOST = 400;

/**
 * Removes from several threads at once: one removal waits long for little, for the journal or for the disk
 * to discard a block, and several wait together. But the kernel removes folders from one parent one after
 * the other, so what has a parent in common is one thread's. Jobs are independent of each other, and are
 * done in any order.
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
    const batches = batchesOf(jobs);
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

  /** Ends the threads; the next run starts others. No run may go on. */
  close(): void {
    for (const worker of this.#all.splice(0)) worker.terminate();
    this.#idle.length = 0;
  }

  #take(): Worker {
    const idle = this.#idle.pop();
    if (idle) return idle;
    const worker = new Worker(new URL("./removal-worker.ts", import.meta.url).href, {
      smol: true,
    });
    this.#all.push(worker);
    return worker;
  }
}

function batchesOf(jobs: readonly Job[]): Job[][] {
  const byParent = Map.groupBy(jobs, parentOf);
  const batches: Job[][] = [];
  let batch: Job[] = [];
  for (const together of byParent.values()) {
    for (let at = 0; at < together.length; at += MOST) {
      batch.push(...together.slice(at, at + MOST));
      if (batch.length < BATCH) continue;
      batches.push(batch);
      batch = [];
    }
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** The folder in which the job's last step removes one; empty where it is no folder. */
function parentOf(job: Job): string {
  const last = job.at(-1);
  if (last === undefined || !("folder" in last)) return "";
  return last.folder.slice(0, last.folder.lastIndexOf("/"));
}

async function ask(worker: Worker, request: RemovalRequest): Promise<Removed> {
  return await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Removed>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`a thread has ended: ${message}`));
    worker.postMessage(request);
  });
}
