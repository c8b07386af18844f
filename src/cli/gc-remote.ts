import {
  type RemoteRun,
  type RemoteStatus,
  collectionPlan,
  collectionStatus,
} from "../client/gc.ts";
import { followCollection } from "../client/follow-collection.ts";
import type { Connection } from "../client/connection.ts";
import { RegistryError } from "../oci/errors.ts";
import type { GcRepository, GcTotals } from "../plan/gc-plan.ts";
import { progressLine, repositoryLines, runLine } from "./gc-remote-report.ts";
import { summary } from "./gc-report.ts";
import { type ConfirmFlags, confirm, saidYes } from "./confirm.ts";
import { jsonDocument } from "./json.ts";
import { progressOn } from "./progress.ts";
import { type RegistryOptions, openRegistries } from "./registry-options.ts";
import type { Terminal } from "./terminal.ts";
import { counted, humanSize } from "./units.ts";

export interface GcRemoteOptions extends ConfirmFlags, RegistryOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A run that begins later than this is not waited for. */
const PATIENCE_MS = 60_000;

/** Repositories that a plan names on the terminal; `--json` has all. */
const NAMED = 200;

/**
 * `wharf gc` without a folder: lets the running registry collect its garbage. Shows what would go, asks,
 * and follows the run to its end. The yes that it is given is that of the owner of a tree that was taken
 * over, too. `connection`: the registry; that of the options when it is left out.
 */
export async function collectRemote(
  options: GcRemoteOptions,
  terminal: Terminal,
  connection: Connection = openRegistries(options, terminal).at(null),
): Promise<void> {
  const before = await collectionStatus(connection);
  const plan = await readPlan(connection);
  const { json = false, dryRun = false, quiet = false } = options;
  const tell = (line: string): void => {
    if (dryRun && !json) terminal.print(line);
    else if (!quiet) terminal.note(line);
  };
  for (const line of describe(plan, before)) tell(line);
  const document = (outcome: RemoteRun | null): void => {
    if (!json) return;
    const { repositories, totals } = plan;
    terminal.print(jsonDocument({ dryRun, run: outcome, ...totals, plan: repositories }));
  };
  if (dryRun) return document(null);
  const nothing = plan.totals.blobs.garbage + plan.totals.manifests.garbage === 0;
  if (nothing && plan.totals.links.garbage === 0 && before.consent === null && !saidYes(options)) {
    return document(null);
  }
  const question = before.consent
    ? "Collect this, and from now on whatever becomes garbage? [y/N] "
    : "Collect this garbage? [y/N] ";
  await confirm(question, "nothing was removed", options, terminal, () => document(null));
  const run = await follow(connection, before, tell, terminal);
  document(run);
  if (run && !json) terminal.print(runLine(run));
  if (run) refuse(run);
}

interface Plan {
  readonly repositories: readonly GcRepository[];
  readonly totals: GcTotals;
}

/** The lines of the API are the parts of the plan. */
async function readPlan(connection: Connection): Promise<Plan> {
  const repositories: GcRepository[] = [];
  for await (const line of collectionPlan(connection)) {
    if ("repository" in line) repositories.push(line["repository"] as GcRepository);
    if ("done" in line) return { repositories, totals: line["done"] as GcTotals };
  }
  throw new RegistryError("REMOTE", { reason: "the plan broke off" });
}

function* describe({ repositories, totals }: Plan, { consent }: RemoteStatus): Generator<string> {
  yield* repositoryLines(repositories.slice(0, NAMED));
  const more = repositories.length - NAMED;
  if (more > 0) yield `… and ${more} more repositories; --json has all of them`;
  const { blobs, bytes } = totals.orphans;
  if (blobs > 0) yield `${counted(blobs, "blob")} that no repository has: ${humanSize(bytes)}`;
  yield summary(totals);
  if (consent) {
    yield "this tree was taken over: what was there before waits for one yes of its owner, which --yes or an answer here gives";
  }
}

/** The run when it has ended; null: it begins later, by itself. */
async function follow(
  connection: Connection,
  before: RemoteStatus,
  tell: (line: string) => void,
  terminal: Terminal,
): Promise<RemoteRun | null> {
  const progress = progressOn({ ...terminal, note: tell }, false);
  const wish = { consent: before.consent !== null, patience: PATIENCE_MS };
  const followed = await followCollection(connection, before, wish, (run) =>
    progress(() => progressLine(run)),
  );
  if ("run" in followed) return followed.run;
  const { endsIn, reason } = followed.later;
  const when = endsIn === null ? "later" : `in ${Math.ceil(endsIn / 60_000)} min`;
  tell(`it begins by itself ${when}: ${reason}`);
  return null;
}

/** Throws what makes the exit code when it did not come to its end. */
function refuse({ outcome, reason }: RemoteRun): void {
  if (outcome === "done") return;
  const why = typeof reason === "string" ? reason : `it is ${String(outcome)}`;
  throw new RegistryError(outcome === "stopped" ? "PARTIAL" : "REMOTE", { reason: why });
}
