import type { Connection } from "./connection.ts";
import { type RemoteRun, type RemoteStatus, askToCollect, collectionStatus } from "./gc.ts";

/** Between two looks at a run that goes on. */
const LOOK_MS = 500;

/** How a collection that was asked for went: it has ended, or it begins later, by itself. */
export type Followed =
  | { readonly run: RemoteRun }
  | { readonly later: NonNullable<RemoteStatus["obstacle"]> };

/**
 * Lets a registry collect, and waits for the end of it. `before`: what it said last. `patience`: milliseconds;
 * what begins later than that is not waited for. `each` is called with a run that goes on, at each look.
 */
export async function followCollection(
  connection: Connection,
  before: RemoteStatus,
  wish: { readonly consent: boolean; readonly patience: number },
  each: (run: RemoteRun) => void,
): Promise<Followed> {
  // A run that goes on already is followed by the one that is asked for here.
  const newest = Math.max(0, before.run?.id ?? 0, ...before.runs.map(({ id }) => id));
  let status = await askToCollect(connection, { consent: wish.consent });
  for (; ; status = await collectionStatus(connection)) {
    const run = status.runs.find(({ id }) => id > newest);
    if (run && status.state === "idle") return { run };
    const { obstacle } = status;
    if (status.state === "waiting" && obstacle && (obstacle.endsIn ?? Infinity) > wish.patience) {
      return { later: obstacle };
    }
    if (status.run) each(status.run);
    await Bun.sleep(LOOK_MS);
  }
}
