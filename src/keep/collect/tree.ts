import { collectFolder } from "../../gc/collect-folder.ts";
import { RegistryError } from "../../oci/errors.ts";
import { ownerOf } from "../../storage/lock.ts";
import { OURS } from "../../storage/tree.ts";
import type { StopSignals, WorkDone } from "../work.ts";

/** Our collector on the folder of another registry, which may be running. Durations are milliseconds. */
export interface TreeSettings {
  readonly folder: string;
  readonly grace: number;
  readonly deleteUntagged: boolean;
}

/** Hears what a person should know about a collection. */
export type Say = (facts: Readonly<Record<string, unknown>>, message: string) => void;

/**
 * Moves to the trash what nobody needs, as `wharf gc FOLDER --yes` does, and ends where it is safe. Throws
 * DATA_FOLDER, and REFUSED where a server of ours has the folder open, which collects by itself.
 */
export async function collectTree(
  { folder, grace, deleteUntagged }: TreeSettings,
  stop: StopSignals,
  now: number,
  say: Say,
): Promise<WorkDone> {
  const owner = ownerOf(`${folder}/${OURS}`);
  if (owner) {
    const reason = `a server of ours has ${folder} open (process ${owner.pid}); it collects by itself`;
    throw new RegistryError("REFUSED", { reason });
  }
  const how = {
    folder,
    now,
    grace,
    untaggedAfter: deleteUntagged ? undefined : null,
    purge: false,
    // A job that comes by itself is not the owner of a folder of ours who says yes.
    consent: false,
    stop: stop.asked,
  };
  const { plan, outcome, freed, trash } = await collectFolder(how, null, () => undefined);
  const { keptRepositories } = plan.totals;
  for (const { repository, reason } of keptRepositories) {
    say({ repository, reason }, "kept whole, because not all of it could be understood");
  }
  const { manifests, links, blobs, bytes, repositories, putBack, failures } = outcome;
  for (const { path, problem } of failures.slice(0, 20)) {
    say({ path, problem }, "could not be removed");
  }
  const caching = plan.running.filter(({ caches }) => caches).map(({ pid }) => pid);
  if (blobs > 0 && caching.length > 0) {
    say({ processes: caching }, "the registry remembers blobs that are gone: restart it");
  }
  if (blobs > 0 && plan.running.length === 0) {
    const what = "if a registry with a cache of descriptors serves this folder, restart it";
    say({ folder }, `no registry is seen to run on the folder; ${what}`);
  }
  const reason =
    failures.length > 0
      ? `${failures.length} could not be removed`
      : outcome.stopped
        ? "stopped before its end"
        : null;
  return {
    outcome: outcome.stopped ? "stopped" : failures.length > 0 ? "partial" : "done",
    reason,
    tags: 0,
    manifests,
    bytes,
    kept: keptRepositories.length,
    document: {
      collector: "tree",
      manifests,
      links,
      blobs,
      bytes,
      repositories,
      putBack,
      freedFromTrash: freed?.bytes ?? 0,
      trash,
      keptRepositories,
    },
  };
}
