import type { Storage } from "../storage/storage.ts";
import { REPOSITORIES } from "../storage/tree.ts";
import type { Metadata, MetadataReads, MetadataWrites } from "../metadata/metadata.ts";
import { allRepositories } from "../metadata/paged.ts";

/**
 * The owner's yes. In a tree that another registry has filled, nothing that was there is collected
 * until its owner has seen what would go and has said yes, once. Under the configuration of another
 * registry that holds for what is pushed, too: whoever exchanged the executable did not ask for it.
 */
const SETTING = "collect-waits-until";

const FOREVER = "forever";
const SAID = "said";
/** The same, and what has waited is not up for review yet. */
const HEARD = "heard";

/** What was here at this moment (UTC milliseconds) waits for the yes; null: nothing does. */
export async function waitingUntil(
  metadata: Pick<MetadataReads, "getSetting">,
): Promise<number | null> {
  const text = await metadata.getSetting(SETTING);
  if (text === null || text === SAID || text === HEARD) return null;
  const time = Date.parse(text);
  // Also for what nobody understands: when in doubt nothing is collected.
  return Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time;
}

/**
 * Whether somebody else has filled the tree: nothing is known yet, and there is something in it. What
 * cannot be read is something.
 */
export async function isTakenOver(
  metadata: Pick<MetadataReads, "listRepositories">,
  storage: Pick<Storage, "list">,
): Promise<boolean> {
  if ((await metadata.listRepositories({ last: null, limit: 1 })).length > 0) return false;
  try {
    for await (const _ of storage.list(REPOSITORIES)) return true;
    return false;
  } catch {
    return true;
  }
}

type Settings = Pick<MetadataReads, "getSetting"> & Pick<MetadataWrites, "setSetting">;

/**
 * At a start: from now on the yes is waited for, unless it was said. `found`: a tree was read for the
 * first time, and there was something in it.
 */
export async function awaitConsent(
  metadata: Settings,
  now: number,
  { found, foreign }: { readonly found: boolean; readonly foreign: boolean },
): Promise<void> {
  const text = await metadata.getSetting(SETTING);
  if (text === SAID || text === HEARD || text === FOREVER) return;
  if (foreign) await metadata.setSetting(SETTING, FOREVER);
  else if (found) await metadata.setSetting(SETTING, new Date(now).toISOString());
}

/** The yes. It holds for good; the next collection begins with `reviewWaiting`. */
export async function giveConsent(metadata: Settings): Promise<void> {
  await metadata.setSetting(SETTING, HEARD);
}

/** Whether there is a yes that no collection has begun with. */
export async function isHeard(metadata: Pick<MetadataReads, "getSetting">): Promise<boolean> {
  return (await metadata.getSetting(SETTING)) === HEARD;
}

/**
 * Puts all that has waited up for review, once. Not while a collection goes on that began before the yes: it
 * would take out of the queue what it takes to be waiting. Cut off, it is begun anew.
 */
export async function reviewWaiting(
  metadata: Settings & Pick<MetadataReads, "listRepositories"> & Pick<Metadata, "reviewRepository">,
): Promise<void> {
  if (!(await isHeard(metadata))) return;
  for await (const name of allRepositories(metadata)) await metadata.reviewRepository(name);
  await metadata.setSetting(SETTING, SAID);
}
