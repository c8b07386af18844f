import type { KeeperStatus } from "../keeper-status.ts";
import { KINDS, type Answer, type Kind } from "../queue.ts";
import type { Past } from "../state-jobs.ts";

/** What was asked for, in the words of the sidecar before us. */
type What = "GC" | "prune+GC" | "prune";

/**
 * The answer to whoever asked for a run, of one registry or of several: what begins is said before what
 * waits, and what waits before what goes on anyway. Pure.
 */
export function answerText(what: What, answers: readonly Answer[]): string {
  if (answers.includes("begins")) return `${what} started`;
  if (answers.includes("waits")) return `${what} queued: it starts when the running job has ended`;
  return `${what} already started: this request joins it`;
}

/** How registries are doing, as JSON. Pure. */
export function statusDocument(all: readonly KeeperStatus[]): unknown {
  return { schemaVersion: 1, registries: all.map(describe) };
}

/** One kind of job of registries. Pure. */
export function jobDocument(all: readonly KeeperStatus[], kind: Kind): unknown {
  const registries = all.map((status) => ({
    registry: status.registry,
    running: status.running?.kind === kind,
    waiting: status.waiting.includes(kind),
    ...job(status, kind),
  }));
  return { schemaVersion: 1, registries };
}

function describe(status: KeeperStatus) {
  const { registry, running, waiting } = status;
  return {
    registry,
    running: running && { kind: running.kind, since: time(running.since) },
    waiting,
    ...Object.fromEntries(KINDS.map((kind) => [kind, job(status, kind)])),
  };
}

function job({ jobs, deletesAt }: KeeperStatus, kind: Kind) {
  const { nextAt, past } = jobs[kind];
  const due = [nextAt, ...(kind === "collect" ? [deletesAt] : [])].filter((at) => at !== null);
  return { next: due.length === 0 ? null : time(Math.min(...due)), last: last(past) };
}

function last({ beganAt, endedAt, outcome, succeededAt, result }: Past) {
  if (beganAt === null) return null;
  return {
    began: time(beganAt),
    ended: time(endedAt),
    outcome,
    succeeded: time(succeededAt),
    ...(typeof result === "object" && result),
  };
}

function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
