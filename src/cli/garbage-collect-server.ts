import { followCollection } from "../client/follow-collection.ts";
import { collectionPlan, collectionStatus } from "../client/gc.ts";
import { RegistryError } from "../oci/errors.ts";
import type { GcRepository, GcTotals } from "../plan/gc-plan.ts";
import { runLine } from "./gc-remote-report.ts";
import { connectionTo } from "./registry-options.ts";
import type { Terminal } from "./terminal.ts";

export interface CollectFlags {
  readonly dryRun?: boolean;
  readonly deleteUntagged?: boolean;
  readonly quiet?: boolean;
}

/**
 * `registry garbage-collect` beside a server of ours: that one collects, by its own settings, while it serves.
 * It is not the yes of the owner of a tree that was taken over: what waits for that goes on waiting.
 */
export async function collectAtServer(
  url: string,
  { dryRun = false, quiet = false }: CollectFlags,
  terminal: Terminal,
): Promise<void> {
  const connection = connectionTo(url, {}, terminal);
  for await (const part of collectionPlan(connection, false)) {
    if (quiet) continue;
    if ("repository" in part) {
      const { repository, manifests } = part["repository"] as GcRepository;
      terminal.print(repository);
      for (const { digest } of manifests)
        terminal.print(`manifest eligible for deletion: ${digest}`);
    }
    if ("done" in part)
      for (const line of totalLines(part["done"] as GcTotals)) terminal.print(line);
  }
  const before = await collectionStatus(connection);
  if (before.consent && !quiet) {
    terminal.note("what was there before waits for its owner's yes: `wharf gc` shows it, and asks");
  }
  if (dryRun) return;
  const wish = { consent: false, patience: 0 };
  const followed = await followCollection(connection, before, wish, () => undefined);
  if ("later" in followed) {
    terminal.note(`the server collects later: ${followed.later.reason}`);
    return;
  }
  const { run } = followed;
  if (!quiet) terminal.note(runLine(run));
  if (run["outcome"] !== "done") {
    throw new RegistryError("PARTIAL", { reason: `the collection is ${String(run["outcome"])}` });
  }
}

/** As the original says it. Pure. */
export function totalLines({ blobs, manifests }: Pick<GcTotals, "blobs" | "manifests">): string[] {
  return [
    "",
    `${blobs.live} blobs marked, ${blobs.garbage} blobs and ${manifests.garbage} manifests eligible for deletion`,
  ];
}
