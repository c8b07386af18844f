import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Config } from "../../config/schema.ts";
import { retentionSource } from "../../http/api/inventory.ts";
import type { Pruning } from "../../http/operations.ts";
import { Alarm } from "../../keep/alarm.ts";
import type { Who } from "../../metadata/event.ts";
import { postReport } from "../../notify/post-report.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import { RegistryError } from "../../oci/errors.ts";
import { openAudit } from "../../plan/audit.ts";
import type { Decider } from "../../plan/decider.ts";
import { planId } from "../../plan/plan-id.ts";
import { applyPrune } from "../../plan/prune-apply.ts";
import { planPrune } from "../../plan/prune-planner.ts";
import {
  Pruner,
  type PrunerOutcome,
  type PrunerRun,
  type RunHow,
  lastCounting,
} from "../../plan/pruner.ts";
import { runReport } from "../../plan/run-report.ts";
import { metadataTarget } from "../../plan/targets/metadata.ts";
import { needsCreated } from "../../plan/targets/needs-created.ts";
import type { Registry } from "../../registry/registry.ts";
import { OURS } from "../../storage/tree.ts";
import { outcomeOf } from "./prune-outcome.ts";

/** Repositories that are looked at, and removals that are under way, at once: they share commits. */
const CONCURRENCY = 4;

/** Where the metadata remembers runs. */
const SETTING = "prune-runs";
const SINCE = "prune-since";

export interface PruningParts {
  /** As it is served: what goes is told to whoever wants to hear of it. */
  readonly registry: () => Registry;
  /** That is in force. */
  readonly config: () => Config;
  readonly writesStopped: () => string | null;
  /** Resolves when the tree was compared after the start. */
  readonly compared: Promise<boolean>;
  readonly decider: (policies: Config["retention"], now: number) => Promise<Decider>;
  /** The address where the registry is, for plans. */
  readonly place: () => string;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What prunes the registry that is served, and when. */
export interface ServedPruning extends Pruning {
  /** The settings are others. */
  changed(): void;
  close(): Promise<void>;
}

/** Applies the policies of the configuration to the registry that is served, at its times and when asked. */
export async function startPruning(parts: PruningParts): Promise<ServedPruning> {
  const { registry, config, writesStopped, log, metrics } = parts;
  const { now } = registry();
  const past = await pastRuns(registry());
  const obstacle = (): RegistryError | null => {
    if (config().readOnly) {
      return new RegistryError("READ_ONLY", {}, { headers: { allow: "GET, HEAD, OPTIONS" } });
    }
    if (writesStopped() !== null) return new RegistryError("WRITES_STOPPED");
    if (config().retention.length > 0) return null;
    return new RegistryError("PRUNE_REFUSED", { reason: "the configuration has no policies" });
  };
  const pruner = new Pruner({
    run: async (how) => await runOnce(parts, how),
    obstacle,
    dryRun: () => config().prune?.dryRun ?? false,
    past,
    async remember(runs) {
      await registry().metadata.setSetting(SETTING, JSON.stringify(runs));
    },
    now,
    began: (at) => alarm.began(at),
    ended: (run) => tell(run, parts),
    failed: (error) => log.error({ err: error }, "retention could not be applied"),
  });
  const begin = (): void => {
    try {
      pruner.ask({ dryRun: null, by: null });
    } catch (error) {
      log.warn({ reason: (error as Error).message }, "retention is not applied at this time");
    }
  };
  const alarm = new Alarm({
    times: () => config().prune ?? null,
    last: lastCounting(past)?.startedAt ?? now(),
    ring: begin,
    now,
  });
  let closed = false;
  void parts.compared.then(async () => {
    const since = await knownSince(registry(), config().prune !== undefined);
    if (closed) return;
    if (pruner.running === null && lastCounting(pruner.runs) === null) alarm.began(since);
    alarm.start();
    if (config().prune?.atStart) begin();
  });
  metrics.watch({ pruning: () => pruner.running !== null });
  return {
    status: () => ({
      state: pruner.running ? "running" : "idle",
      nextAt: alarm.nextAt,
      run: pruner.running,
      runs: pruner.runs,
    }),
    async ask(wish) {
      pruner.ask(wish);
      await pruner.noted();
    },
    changed() {
      if (config().readOnly) pruner.stop("the registry is read-only");
      alarm.changed();
    },
    async close() {
      closed = true;
      alarm.close();
      await pruner.close();
    },
  };
}

async function runOnce(
  { registry, config, decider, place, log }: PruningParts,
  { dryRun, by, stop }: RunHow,
): Promise<PrunerOutcome> {
  const { retention, data, keep } = config();
  const served = registry();
  const { now, metadata } = served;
  const target = metadataTarget({
    registry: { name: new URL(place()).host, place: place() },
    source: { ...retentionSource(served), metadata },
    created: needsCreated(retention),
    by: () => by ?? ourselves(now(), place()),
    now,
  });
  const made = await planPrune({
    target,
    decider: await decider(retention, now()),
    clock: now,
    concurrency: CONCURRENCY,
    stop,
  });
  const { plan } = made;
  for (const warning of plan.warnings) log.warn(warning);
  const something = plan.repositories.some(({ actions }) => actions.length > 0);
  if (dryRun || !something) return outcomeOf(made, null);
  const audit = openAudit(join(data, OURS, "audit.jsonl"));
  try {
    const wish = { target, plan, concurrency: CONCURRENCY, audit, clock: now, stop };
    const result = await applyPrune(wish);
    const report = runReport(plan, planId(plan), result, now());
    for (const { where, reason } of await postReport(keep.report, report, { stop })) {
      if (reason !== null) log.warn({ endpoint: where, reason }, "a report was not taken");
    }
    return outcomeOf(made, result);
  } finally {
    audit.close();
  }
}

/** Who removes what nobody has asked for. */
function ourselves(at: number, place: string): Who {
  const { host, protocol } = new URL(place);
  const scheme = protocol === "https:" ? "https" : "http";
  const facts = { at, requestId: randomUUID(), actor: "retention", address: "", host };
  return { ...facts, scheme, method: "DELETE", agent: "wharfinger" };
}

/**
 * Since when it is to be done at all: who restarts a registry more often than it is to be pruned shall not have it
 * wait for ever. UTC milliseconds.
 */
async function knownSince({ metadata, now }: Registry, wanted: boolean): Promise<number> {
  const text = await metadata.getSetting(SINCE).catch(() => null);
  if (wanted && text) return Number(text);
  const at = now();
  // Not wanted: from when it is wanted again.
  await metadata.setSetting(SINCE, wanted ? String(at) : "").catch(() => undefined);
  return at;
}

async function pastRuns({ metadata }: Registry): Promise<readonly PrunerRun[]> {
  const text = await metadata.getSetting(SETTING).catch(() => null);
  return text === null ? [] : (JSON.parse(text) as PrunerRun[]);
}

function tell(run: PrunerRun, { log, metrics, place }: PruningParts): void {
  const { outcome, reason, dryRun, tags, manifests, bytes, kept, startedAt, endedAt } = run;
  const facts = { outcome, dryRun, tags, manifests, bytes: bytes.freed, kept: kept.length };
  const why = reason === null ? {} : { reason };
  if (outcome === "failed" || outcome === "refused") {
    log.warn({ ...facts, ...why }, "not all of retention was applied");
  } else log.info({ ...facts, ...why }, dryRun ? "retention was planned" : "retention was applied");
  for (const one of kept) log.warn(one, "nothing was pruned from a repository");
  if (outcome === "running" || outcome === "cut off") return;
  metrics.pruned({
    registry: new URL(place()).host,
    outcome,
    tags: dryRun ? 0 : tags,
    manifests: dryRun ? 0 : manifests,
    freed: dryRun ? 0 : bytes.freed,
    kept: kept.length,
    seconds: ((endedAt ?? startedAt) - startedAt) / 1000,
    endedAt: endedAt ?? startedAt,
  });
}
