import type { Metadata } from "./metadata.ts";
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
  close(): Promise<void>;
}

/**
 * Lets the tree follow the journal, in the background and within a second.
 *
 * A failure (a full disk, say) is reported and tried again: the journal keeps what was not followed.
 */
export async function startTreeFollower(
  place: { database: string; folder: string },
  metadata: Metadata,
  report: (failure: unknown) => void,
): Promise<TreeFollower> {
  const worker = new Worker(new URL("./tree-worker.ts", import.meta.url).href);
  const ask = (request: FollowRequest): Promise<FollowReply> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FollowReply>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(request);
    });

  /** One batch; whether there is more. */
  const step = async (): Promise<boolean> => {
    const reply = await ask("follow");
    if ("failure" in reply) throw new Error(`the tree cannot follow: ${reply.failure}`);
    if (reply.followed !== null) await metadata.retireJournal(reply.followed);
    return reply.more;
  };
  let running: Promise<void> | null = null;
  const run = (): Promise<void> => {
    running ??= (async () => {
      try {
        while (await step());
      } finally {
        running = null;
      }
    })();
    return running;
  };

  let timer: Timer | null = null;
  const schedule = (delay: number): void => {
    timer ??= setTimeout(() => {
      timer = null;
      run().catch((error: unknown) => {
        report(error);
        schedule(RETRY_MS);
      });
    }, delay);
  };

  const opened = await ask(place);
  if ("failure" in opened) throw new Error(`the tree cannot be followed: ${opened.failure}`);
  return {
    wake: () => schedule(DELAY_MS),
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
