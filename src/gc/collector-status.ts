import type { ReviewCount } from "../metadata/collection.ts";
import type { Obstacle } from "./obstacles.ts";
import type { PastRun } from "./run-report.ts";

/** What is asked for beside what is due. */
export interface Wish {
  /** The owner says yes to what was here before. */
  readonly consent?: boolean;
  /** Also look for what no row knows of. */
  readonly walk?: boolean;
}

export interface CollectorStatus {
  readonly enabled: boolean;
  readonly state: "idle" | "waiting" | "running";
  /** Why it waits, or would. */
  readonly obstacle: Obstacle | null;
  /** The run that goes on. */
  readonly run: (PastRun & { readonly phase: Phase }) | null;
  readonly queue: ReviewCount;
  /** What waits for its owner's yes (UTC milliseconds); null: nothing does. */
  readonly consent: { readonly before: number; readonly waiting: Waiting | null } | null;
  /** When it begins by itself next, UTC milliseconds; null: it does not. */
  readonly nextAt: number | null;
  readonly runs: readonly PastRun[];
}

/** Exact at the time when it was measured: at the start, and after each run. */
export interface Waiting {
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export type Phase = "queue" | "looking" | "bytes";
