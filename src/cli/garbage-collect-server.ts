import { parseAddress } from "../client/address.ts";
import { storedCredentials } from "../client/auth/stored-credentials.ts";
import { type Connection, openConnection } from "../client/connection.ts";
import { type RemoteRun, askToCollect, collectionPlan, collectionStatus } from "../client/gc.ts";
import { RegistryError } from "../oci/errors.ts";
import type { GcRepository, GcTotals } from "../plan/gc-plan.ts";
import { runLine } from "./gc-remote-report.ts";
import type { Terminal } from "./terminal.ts";

export interface CollectFlags {
  readonly dryRun?: boolean;
  readonly deleteUntagged?: boolean;
  readonly quiet?: boolean;
}

/** Between two looks at a run that goes on. */
const LOOK_MS = 500;

/**
 * `registry garbage-collect` beside a server of ours: that one collects, by its own settings, while it serves.
 * It is not the yes of the owner of a tree that was taken over: what waits for that goes on waiting.
 */
export async function collectAtServer(
  url: string,
  { dryRun = false, quiet = false }: CollectFlags,
  terminal: Terminal,
): Promise<void> {
  const connection = openConnection(parseAddress(url, url.startsWith("http:")), {
    credentials: storedCredentials(terminal.environment),
    insecure: false,
  });
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
  const run = await collected(
    connection,
    Math.max(0, ...before.runs.map(({ id }) => id)),
    terminal,
  );
  if (run && !quiet) terminal.note(runLine(run));
  if (run && run["outcome"] !== "done") {
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

/** Lets it collect; the run when it has ended, or null when it will begin later. */
async function collected(
  connection: Connection,
  newest: number,
  terminal: Terminal,
): Promise<RemoteRun | null> {
  let status = await askToCollect(connection, { consent: false });
  for (; ; status = await collectionStatus(connection)) {
    const ended = status.runs.find(({ id }) => id > newest);
    if (ended && status.state === "idle") return ended;
    if (status.state === "waiting" && status.obstacle) {
      terminal.note(`the server collects later: ${status.obstacle.reason}`);
      return null;
    }
    await Bun.sleep(LOOK_MS);
  }
}
