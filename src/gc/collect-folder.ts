import type { GcTotals } from "../plan/gc-plan.ts";
import type { Digest } from "../oci/digest.ts";
import { giveConsent, waitingUntil } from "../registry/consent.ts";
import { protectedIn } from "../registry/protected.ts";
import { type OpenTree, openTreeToCollect, openTreeToLook } from "./open-tree.ts";
import {
  type RunningRegistry,
  demandNoneRunning,
  runningRegistries,
} from "./running-registries.ts";
import { type FreedOld, freeOld } from "./trash/free-folder.ts";
import { TreeCollection, type TreeOutcome } from "./tree-collection.ts";
import { type TreeLook, type TreePolicy, lookAtTree } from "./tree-look.ts";

/** How a folder shall be collected. Durations are milliseconds. */
export interface FolderGc {
  readonly folder: string;
  readonly now: number;
  readonly grace: number;
  /**
   * How long a manifest must have been without a tag; null: untagged ones are kept; undefined: the grace in
   * a tree of another registry, and seven days in one of ours.
   */
  readonly untaggedAfter: number | null | undefined;
  /** The least age of unfinished uploads and leftover files; default: the grace. */
  readonly remainsAfter?: number;
  readonly purge: boolean;
  /**
   * Whether the owner of a folder of ours says yes with it, or is asked to: then nothing waits for that any
   * more. Otherwise what waits stays.
   */
  readonly consent: boolean;
  /** Kept in every repository, besides those of the settings that the folder was last served with. */
  readonly protectedDigests?: readonly Digest[];
  /** From then on nothing more is begun. */
  readonly stop?: AbortSignal;
  readonly progress?: (what: string) => void;
}

/** Garbage that waits for the owner's yes. */
export interface Waiting {
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface FolderPlan {
  readonly look: TreeLook;
  readonly ours: boolean;
  /** With the bytes that are in the trash. */
  readonly totals: GcTotals;
  readonly running: readonly RunningRegistry[];
  /** Null: nothing waits. */
  readonly waiting: Waiting | null;
}

/** What `serve` waits before an untagged manifest goes, unless its configuration says otherwise. */
const UNTAGGED_AFTER = 7 * 24 * 3_600_000;

/** What would go. Writes nothing at all. Throws DATA_FOLDER. */
export async function planFolder(what: FolderGc): Promise<FolderPlan> {
  await using open = await openTreeToLook(what.folder);
  return await planOf(open, what);
}

export interface FolderOutcome {
  readonly plan: FolderPlan;
  readonly outcome: TreeOutcome;
  /** What was old in the trash; null: that is the business of the server whose folder it is. */
  readonly freed: FreedOld | null;
  /** Bytes that are in the trash now. */
  readonly trash: number;
}

/**
 * Removes what nobody needs. `shown`: nothing else goes than this plan says; null: all that there is.
 * Throws DATA_FOLDER when another process has the folder open, REFUSED when bytes should be freed at once
 * and another registry is running on it.
 */
export async function collectFolder(
  what: FolderGc,
  shown: FolderPlan | null,
  planned: (plan: FolderPlan) => void,
): Promise<FolderOutcome> {
  await using open = await openTreeToCollect(what.folder, !what.purge);
  if (what.purge) {
    const why =
      ", or leave --purge out: then all goes through the trash, from where it can come back";
    demandNoneRunning(what.folder, why);
  }
  const { files, metadata, overlay } = open;
  const collection = new TreeCollection({
    files,
    metadata,
    overlay,
    policy: await policyOf(what, open),
    purge: what.purge,
    stop: what.stop,
    writers: () =>
      runningRegistries(what.folder).map(
        ({ pid }) => `a registry runs on this folder (process ${pid})`,
      ),
    ...(what.progress && { progress: what.progress }),
  });
  await collection.recover();
  const plan = shown ?? (await planOf(open, what));
  planned(plan);
  const outcome = await collection.apply(plan.look);
  await open.agree(outcome.touched);
  // In a folder of ours the server does it, which knows how long things are to be kept.
  const freed =
    open.ours || !metadata
      ? null
      : await freeOld(files, metadata, { now: what.now, written: plan.look.newest });
  if (
    what.consent &&
    !outcome.stopped &&
    open.ours &&
    metadata &&
    (await waitingUntil(metadata)) !== null
  ) {
    await giveConsent(metadata);
  }
  return { plan, outcome, freed, trash: (await metadata?.sumTrash())?.bytes ?? 0 };
}

async function planOf(open: OpenTree, what: FolderGc): Promise<FolderPlan> {
  const { files, overlay, ours, reads } = open;
  const policy = await policyOf(what, open);
  const look = await lookAtTree(files, policy, {
    overlay,
    onRepository: (count) => what.progress?.(`${count} repositories read`),
  });
  const trash = (await reads?.sumTrash())?.bytes ?? 0;
  const totals = { ...look.totals, bytes: { ...look.totals.bytes, trash } };
  const waiting = policy.waitingUntil === null ? null : await waitingIn(open, what, look.totals);
  return { look, ours, totals, running: runningRegistries(what.folder), waiting };
}

/** What would go besides, if the owner said yes. */
async function waitingIn(
  open: OpenTree,
  what: FolderGc,
  { manifests, blobs, bytes }: GcTotals,
): Promise<Waiting | null> {
  const policy = await policyOf({ ...what, consent: true }, open);
  const { totals } = await lookAtTree(open.files, policy, { overlay: open.overlay });
  const waiting = {
    manifests: totals.manifests.garbage - manifests.garbage,
    blobs: totals.blobs.garbage - blobs.garbage,
    bytes: totals.bytes.garbage - bytes.garbage,
  };
  return waiting.manifests + waiting.blobs > 0 ? waiting : null;
}

async function policyOf(
  { now, grace, untaggedAfter, remainsAfter = grace, consent, protectedDigests = [] }: FolderGc,
  { ours, reads }: Pick<OpenTree, "ours" | "reads">,
): Promise<TreePolicy> {
  const untagged = untaggedAfter === undefined ? (ours ? UNTAGGED_AFTER : grace) : untaggedAfter;
  const kept = ours && reads ? await protectedIn(reads) : [];
  const waits = ours && reads && !consent ? await waitingUntil(reads) : null;
  return {
    now,
    seenBefore: now - grace,
    // Whatever lies about in it is not ours to clear up before the yes, either.
    remainsBefore: waits === null ? now - remainsAfter : 0,
    untaggedBefore: untagged === null ? null : now - untagged,
    protectedDigests: [...protectedDigests, ...kept],
    waitingUntil: waits,
    removeEmpty: waits === null,
  };
}
