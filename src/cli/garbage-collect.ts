import { loadConfig } from "../config/load.ts";
import { type FolderGc, type FolderPlan, collectFolder, planFolder } from "../gc/collect-folder.ts";
import { runningRegistries } from "../gc/running-registries.ts";
import { RegistryError } from "../oci/errors.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import { type CollectFlags, collectAtServer, totalLines } from "./garbage-collect-server.ts";
import { keptLines, freedLines, outcomeLines, waitingLines } from "./gc-report.ts";
import { stopOn } from "./stop-on.ts";
import type { Terminal } from "./terminal.ts";

/** Beside a registry that runs, what is younger may be a push that is under way. */
const HOUR = 3_600_000;

/**
 * `registry garbage-collect`: the words of the original, and the lines that scripts look for, done by our
 * collector. It acts at once, as they expect, but what it removes can be restored for a while. Like the
 * original it knows no grace, unless a registry runs on the folder or somebody is uploading.
 *
 * It is not the owner's yes: a job that runs at night is not he. In a folder of ours what waits for it stays.
 */
export async function garbageCollect(
  file: string,
  { dryRun = false, deleteUntagged = false, quiet = false }: CollectFlags,
  terminal: Terminal,
): Promise<void> {
  const { data, gc } = loadConfig({ file, environment: terminal.environment, flags: {} });
  const owner = ownerOf(`${data}/${OURS}`);
  if (owner?.url)
    return await collectAtServer(owner.url, { dryRun, deleteUntagged, quiet }, terminal);
  if (owner) {
    const reason = `a server has ${data} open (process ${owner.pid}); try again when it is up`;
    throw new RegistryError("REFUSED", { reason });
  }
  const grace = runningRegistries(data).length > 0 ? HOUR : 0;
  const what: FolderGc = {
    folder: data,
    now: Date.now(),
    grace,
    untaggedAfter: deleteUntagged ? grace : null,
    remainsAfter: HOUR,
    purge: false,
    consent: false,
    protectedDigests: gc.protected,
  };
  const show = (plan: FolderPlan): void => {
    for (const line of keptLines(plan.totals)) terminal.note(line);
    if (!quiet) for (const line of eligible(plan)) terminal.print(line);
    for (const line of waitingLines(data, plan)) terminal.note(line);
  };
  if (dryRun) return show(await planFolder(what));
  const stop = stopOn(terminal);
  const { plan, outcome, freed } = await collectFolder({ ...what, stop: stop.asked }, null, show);
  if (!quiet) {
    for (const line of [...outcomeLines(outcome, plan, false), ...freedLines(freed)]) {
      terminal.note(line);
    }
  }
  if (outcome.stopped) stop.end();
  if (outcome.failures.length > 0) {
    throw new RegistryError("PARTIAL", {
      reason: `${outcome.failures.length} could not be removed`,
    });
  }
}

/** As the original says it. */
function* eligible({ look, totals }: FolderPlan): Generator<string> {
  const { blobs } = look.reader;
  for (const { name, letsGo } of look.repositories) {
    yield name;
    for (const id of letsGo.manifests) {
      yield `manifest eligible for deletion: ${blobs.digestOf(id)}`;
    }
  }
  yield* totalLines(totals);
  for (const id of look.garbage()) yield `blob eligible for deletion: ${blobs.digestOf(id)}`;
}
