import type { Metadata } from "./metadata.ts";
import { FailedSync } from "../storage/failed-sync.ts";
import type { FollowReply, FollowRequest } from "./tree-worker.ts";

/**
 * Changes gather this long before the tree follows: a burst of pushes shares folders and syncs. A sync of
 * the file system also writes out what uploads have half filled, which then is written again: not too often.
 */
const DELAY_MS = 500;
const RETRY_MS = 1000;

export interface TreeFollower {
  /** Says that the journal has grown. Cheap; call it after every change. */
  wake(): void;
  /** Resolves when the tree has all that was in the journal at the time of the call. Rejects on failure. */
  drain(): Promise<void>;
  /** For how long there have been changes that the tree lacks, in milliseconds; 0: it lacks none. */
  lag(): number;
  close(): Promise<void>;
}

/**
 * Lets the tree follow the journal, in the background and within a second.
 *
 * A failure (a full disk, say) is reported and tried again: the journal keeps what was not followed. A
 * failed sync is reported, as FailedSync, and not tried again: only the next start follows anew.
 */
export async function startTreeFollower(
  place: { database: string; folder: string },
  metadata: Pick<Metadata, "retireJournal">,
  report: (failure: unknown) => void,
): Promise<TreeFollower> {
  const worker = new Worker(new URL("./tree-worker.ts", import.meta.url).href);
  /** A thread that has ended answers nobody, and whoever waits for the tree at a stop would wait for ever. */
  let ended: Error | null = null;
  const ask = (request: FollowRequest): Promise<FollowReply> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FollowReply>) => resolve(data);
      worker.onerror = (event) => {
        ended = new Error(`the thread that follows the tree has ended: ${event.message}`);
        reject(ended);
      };
      if (ended) reject(ended);
      else worker.postMessage(request);
    });

  let stopped: FailedSync | null = null;
  /** One batch; whether there is more. */
  const step = async (): Promise<boolean> => {
    if (stopped) throw stopped;
    const reply = await ask("follow");
    if (reply === "opened") throw new Error("the tree cannot be followed: it was opened twice");
    if ("failure" in reply) {
      if (reply.failedSync) throw (stopped = new FailedSync(new Error(reply.failure)));
      throw new Error(`the tree cannot follow: ${reply.failure}`);
    }
    const { last, stuck, more } = reply;
    const names = stuck.map(({ name }) => name);
    if (last !== null) await metadata.retireJournal(last, names);
    if (more || !stuck[0]) return more;
    const reasons = stuck.map(({ name, reason }) => `${name} (${reason})`).join(", ");
    throw new Error(`the tree cannot follow in ${reasons}`);
  };
  /** When the oldest change came that no batch has begun with, and that of the batches under way. */
  let waiting: number | null = null;
  let followed: number | null = null;
  let running: Promise<void> | null = null;
  const run = (): Promise<void> => {
    running ??= (async () => {
      followed ??= waiting;
      waiting = null;
      try {
        while (await step());
        followed = null;
      } finally {
        running = null;
      }
    })();
    return running;
  };

  let said = "";
  let timer: Timer | null = null;
  const schedule = (delay: number): void => {
    timer ??= setTimeout(() => {
      timer = null;
      // What woke us may have come after the batch under way was read.
      const done = running ? running.catch(() => undefined).then(run) : run();
      done.then(
        () => (said = ""),
        (error: unknown) => {
          // Once for each reason: it is tried every second.
          if (said !== String(error)) report(error);
          said = String(error);
          if (!stopped) schedule(RETRY_MS);
        },
      );
    }, delay);
  };

  const opened = await ask(place);
  if (opened !== "opened" && "failure" in opened)
    throw new Error(`the tree cannot be followed: ${opened.failure}`);
  return {
    wake() {
      waiting ??= performance.now();
      schedule(DELAY_MS);
    },
    lag() {
      const since = followed ?? waiting;
      return since === null ? 0 : performance.now() - since;
    },
    async drain() {
      // The batch under way may have begun before the caller's change.
      await running?.catch(() => undefined);
      await run();
    },
    async close() {
      if (timer) clearTimeout(timer);
      timer = null;
      await running?.catch(() => undefined);
      worker.terminate();
    },
  };
}
