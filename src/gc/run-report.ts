import type { KeptBecause } from "../metadata/collection.ts";

/** What a collection did, or has done so far. Bytes are exact, of files that were moved into the trash. */
export interface RunReport {
  /** Somebody asked for it; otherwise it was time. */
  readonly asked: boolean;
  /** `done`: nothing is left to do. `stopped`: it can go on where it was. */
  outcome: "running" | "done" | "stopped" | "failed";
  /** Why it did not come to its end. */
  reason: string | null;
  manifests: number;
  links: number;
  repositories: number;
  blobs: number;
  bytes: number;
  /** Unfinished uploads that another registry has left in the tree. */
  uploads: number;
  /** What else other registries have left there beside content: history of tags, links to nothing, folders. */
  leftovers: number;
  /** Which repository hides what it needs, and why, so that no bytes went; null: none does. */
  hiding: string | null;
  /** Why it is not known which images are in use, so that no untagged manifests went; null: it is. */
  inUse: string | null;
  /** Blobs that were in the trash and are needed again. */
  restored: number;
  /** What was looked at and stays, by reason. */
  readonly kept: Record<KeptBecause, number>;
}

export function newReport(asked: boolean): RunReport {
  return {
    asked,
    outcome: "running",
    reason: null,
    manifests: 0,
    links: 0,
    repositories: 0,
    blobs: 0,
    bytes: 0,
    uploads: 0,
    leftovers: 0,
    hiding: null,
    inUse: null,
    restored: 0,
    kept: { tagged: 0, needed: 0, young: 0, protected: 0, waiting: 0, unreadable: 0, gone: 0 },
  };
}

/** One that is remembered. Times in UTC milliseconds. */
export interface PastRun extends Omit<RunReport, "outcome"> {
  readonly id: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** `cut off`: the process ended before it did. */
  readonly outcome: RunReport["outcome"] | "cut off";
}

/** What was written at the end of a run, or what a crash has left of it. */
export function readRun({ id, startedAt, endedAt, report }: Stored): PastRun {
  const read = { ...newReport(false), ...(report === null ? {} : (JSON.parse(report) as object)) };
  const outcome = report === null ? "cut off" : read.outcome;
  return { id, startedAt, endedAt, ...read, outcome };
}

interface Stored {
  readonly id: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly report: string | null;
}
