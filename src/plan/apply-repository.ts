import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import { ERRORS } from "../oci/error-table.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Tag } from "../oci/reference.ts";
import { driftOf } from "./drift.ts";
import { tagsOf } from "./plan-repository.ts";
import type { PlannedAction, PlannedRepository } from "./prune-plan.ts";
import type { ActionOutcome, ActionResult, RepositoryOutcome } from "./prune-result.ts";
import type { PruneTarget } from "./prune-target.ts";
import type { GivingUp } from "./give-up.ts";
import type { Turns } from "./turns.ts";

/** What applying the actions of one repository needs. */
export interface ActionRun {
  readonly target: PruneTarget;
  readonly turns: Turns;
  /** Hears of every answer; nothing begins when it says so. */
  readonly givingUp: GivingUp;
  /** Once aborted, no action begins. */
  readonly stop: AbortSignal;
  /** Called for each action that was tried, right after it. What it throws ends the run. */
  readonly tried: (result: ActionResult) => void;
  /** For so many milliseconds a look at the repository is believed before a manifest goes. */
  readonly freshFor?: number | undefined;
}

/** Many requests at a slow registry take hours; who tags a doomed image meanwhile shall keep it. */
const FRESH_MS = 30_000;
/** Of the time, one part in so many goes into looking. */
const SHARE = 10;

/**
 * Carries out what was planned for a repository, which was just found to be as it was planned.
 *
 * Many at once; but a manifest goes only when all that needs it has gone: indexes that list it, its
 * subject. So whatever is interrupted or fails, no image stays without its parts or signatures. Right
 * before a tag or digest goes, its tags are asked for once more, and before a digest goes all of the repository
 * is, where the last look was a while ago.
 */
export async function applyActions(
  planned: Omit<PlannedRepository, "bytes">,
  inventory: RetentionInventory,
  { target, turns, givingUp, stop, tried, freshFor = FRESH_MS }: ActionRun,
): Promise<ActionResult[]> {
  const { repository, actions } = planned;
  const there = lookUp(inventory);
  let looked = performance.now();
  let fresh = freshFor;
  let looking: Promise<string | null> | null = null;
  const doing = new Map<Digest, Promise<ActionResult>>();
  let broken: { readonly error: unknown } | null = null;

  const attempt = async (action: PlannedAction): Promise<ActionResult> => {
    const needing = action.action === "delete-manifest" ? there.needing(action.digest) : [];
    // Only those that stand before it, as the plan has them: what refers to a part of its own would wait for itself.
    const before = needing.map((parent) => [parent, doing.get(parent)] as const);
    for (const [parent, doingIt] of before) {
      const result = (await doingIt)?.result;
      if (result === undefined || result === "done" || result === "gone") continue;
      if (result === "left") return { action, result, reason: null };
      return { action, result: "kept", reason: `${parent}, which needs it, is still there` };
    }
    return await turns.take(async () => {
      if (stop.aborted || broken) return { action, result: "left", reason: null };
      if (givingUp.because) return { action, result: outcomeOf(givingUp.because), reason: GAVE_UP };
      const result = await perform(action);
      try {
        tried(result);
      } catch (error) {
        broken ??= { error };
      }
      return result;
    });
  };

  const perform = async (action: PlannedAction): Promise<ActionResult> => {
    if (there.isGone(action)) return { action, result: "gone", reason: null };
    try {
      const moved = (await drifted(action)) ?? (await movedTag(action));
      if (moved !== null) return { action, result: "kept", reason: moved };
      if (action.action === "remove-tag") await target.removeTag(repository, action.tag);
      else if (action.action === "restore-tag") await target.restoreTag?.(repository, action.tag);
      else await target.deleteManifest(repository, action.digest, action.tags);
      givingUp.answered();
      return { action, result: "done", reason: null };
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      givingUp.failed(error);
      return { action, result: outcomeOf(error), reason: error.message };
    }
  };

  /** What has changed since the last look, which is repeated when it is too long ago. */
  const drifted = async (action: PlannedAction): Promise<string | null> => {
    if (action.action !== "delete-manifest") return null;
    if (performance.now() - looked > fresh) looking ??= lookAgain();
    return (await looking) ?? null;
  };

  const lookAgain = async (): Promise<string | null> => {
    const began = performance.now();
    try {
      const now = await target.inventoryOf(repository);
      const drift = now && driftOf(planned, now);
      looked = performance.now();
      // To look at a large one takes a while; most of the time something else shall be done.
      fresh = Math.max(freshFor, (looked - began) * SHARE);
      // Whoever comes next finds it, until it is too old; a drift stays one.
      if (drift === null) looking = null;
      return drift;
    } catch (error) {
      looking = null;
      throw error;
    }
  };

  /** A tag that names something else by now. */
  const movedTag = async (action: PlannedAction): Promise<string | null> => {
    for (const tag of tagsOf(action)) {
      const digest = await target.resolve(repository, tag);
      if (digest !== null && digest !== action.digest) return `${tag} names ${digest} now`;
    }
    return null;
  };

  const results = actions.map((action) => {
    const result = attempt(action);
    result.catch(() => {});
    if (action.action === "delete-manifest") doing.set(action.digest, result);
    return result;
  });
  const all = await Promise.all(results);
  if (broken) throw (broken as { readonly error: unknown }).error;
  return all;
}

export const GAVE_UP = "it was not tried, because the registry fails or refuses again and again";

/** A refusal is no fault of anybody, and will be the same the next time. */
export function outcomeOf({ kind }: RegistryError): "refused" | "failed" {
  return ERRORS[kind].exit === 5 ? "refused" : "failed";
}

/** What all actions together make of their repository, and the first reason. Pure. */
export function outcomeOfAll(results: readonly ActionResult[]): {
  readonly outcome: RepositoryOutcome;
  readonly reason: string | null;
} {
  const first = (wanted: ActionOutcome) => results.find(({ result }) => result === wanted);
  const [failed, refused, kept] = [first("failed"), first("refused"), first("kept")];
  if (failed) return { outcome: "failed", reason: failed.reason };
  if (refused) return { outcome: "refused", reason: refused.reason };
  if (kept) return { outcome: "drifted", reason: kept.reason };
  if (first("left")) return { outcome: "stopped", reason: "it was stopped before its end" };
  return { outcome: "done", reason: null };
}

function lookUp({ tags, manifests, untaggedListed }: RetentionInventory) {
  const named = new Set<Tag>(tags.map(({ tag }) => tag));
  const cutOff = new Set<Tag>(tags.filter((one) => one.placeholder).map(({ tag }) => tag));
  const known = new Set<Digest>();
  const parents = new Map<Digest, Digest[]>();
  const add = (digest: Digest, parent: Digest): void => {
    const those = parents.get(digest);
    if (those) those.push(parent);
    else parents.set(digest, [parent]);
  };
  for (const { digest, children, subject } of manifests) {
    known.add(digest);
    for (const child of children) add(child, digest);
    if (subject !== null) add(digest, subject);
  }
  return {
    /** Manifests without which this one must go, or that must go before it. */
    needing: (digest: Digest): readonly Digest[] => parents.get(digest) ?? [],
    /** What a registry does not list may be there all the same. */
    isGone(action: PlannedAction): boolean {
      // Somebody else has put it back, or has pushed another.
      if (action.action === "restore-tag") return !cutOff.has(action.tag);
      if (action.action === "remove-tag") return !named.has(action.tag);
      return untaggedListed && !known.has(action.digest);
    },
  };
}
