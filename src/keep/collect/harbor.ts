import { type HarborGcResult, collectHarbor } from "../../client/harbor-gc.ts";
import { openRegistry } from "../../client/open-registry.ts";
import type { Config } from "../../config/schema.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { StopSignals, WorkDone } from "../work.ts";
import type { Say } from "./tree.ts";

type Entry = Config["registries"][number];

/**
 * Harbor's own collection. A stop ends the waiting, and not what Harbor does: after a restart the run that
 * goes on is joined. Throws CREDENTIALS, REMOTE.
 */
export async function collectInHarbor(
  entry: Entry,
  environment: Readonly<Record<string, string | undefined>>,
  stop: StopSignals,
  say: Say,
): Promise<WorkDone> {
  const connection = openRegistry(entry, { environment });
  const deleteUntagged = entry.collect?.deleteUntagged ?? false;
  let result: HarborGcResult;
  try {
    result = await collectHarbor(connection, { deleteUntagged }, { signal: stop.asked });
  } catch (error) {
    if (!stop.asked.aborted) throw error;
    return { ...NOTHING, outcome: "stopped", reason: (error as Error).message };
  }
  const { run, joined } = result;
  if (joined) say({ run: run.id }, "a collection went on in Harbor already, and was waited for");
  if (run.state !== "done") {
    const reason = `collection ${run.id} of Harbor has ${run.state === "failed" ? "failed" : "been stopped"}`;
    throw new RegistryError("REMOTE", { reason });
  }
  const { freed } = run;
  return {
    outcome: "done",
    reason: null,
    tags: 0,
    manifests: freed?.manifests ?? 0,
    bytes: freed?.bytes ?? null,
    kept: 0,
    document: { collector: "harbor", run: run.id, joined, deleteUntagged, ...freed },
  };
}

const NOTHING = { tags: 0, manifests: 0, bytes: null, kept: 0, document: null } as const;
