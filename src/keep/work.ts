/** How a run ends: all of it, in part, not at all because of drift or limits, or before its end because of a stop. */
const OUTCOMES = ["done", "partial", "refused", "stopped", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What a run did. */
export interface WorkDone {
  readonly outcome: Exclude<Outcome, "failed">;
  /** Why not all of it was done; null: it was. */
  readonly reason: string | null;
  readonly tags: number;
  readonly manifests: number;
  /** What was freed, or moved to the trash; null: nobody knows. */
  readonly bytes: number | null;
  /** Repositories that were left alone although something of them was to go. */
  readonly kept: number;
  /** What those hear who want to know what was done; null: there is nothing to tell. */
  readonly document: unknown;
}

/** How a run is told to end. */
export interface StopSignals {
  /** At the next safe point. */
  readonly asked: AbortSignal;
  /** Now, as far as that is safe at all: a sweep of another program goes on to its end. */
  readonly hard: AbortSignal;
}

/** What can be done with one registry. Each throws when it could not even begin, or did not get through. */
export interface Work {
  prune(stop: StopSignals): Promise<WorkDone>;
  /** Null: nothing collects there. */
  readonly collect: ((stop: StopSignals) => Promise<WorkDone>) | null;
}
