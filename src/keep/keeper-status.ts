import type { Answer, Kind } from "./queue.ts";
import type { Times } from "./schedule.ts";
import type { Past } from "./state-jobs.ts";
import type { Outcome, WorkDone } from "./work.ts";

/** How a registry is looked after; null: not by itself, or not at all. Durations are milliseconds. */
export interface KeeperSettings {
  readonly prune: JobTimes | null;
  /** Null: nothing collects there. */
  readonly collect:
    | (JobTimes & {
        /** So long after the last delete that was told of. */
        readonly afterDeletes: number | "never";
        readonly afterPrune: boolean;
      })
    | null;
}

export interface JobTimes extends Times {
  readonly atStart: boolean;
}

export interface KeeperStatus {
  readonly registry: string;
  readonly running: { readonly kind: Kind; readonly since: number } | null;
  readonly waiting: readonly Kind[];
  readonly collects: boolean;
  /** When deletes that were told of will be followed by a collection; null: there were none. */
  readonly deletesAt: number | null;
  readonly jobs: Readonly<Record<Kind, { readonly nextAt: number | null; readonly past: Past }>>;
}

export interface EndedRun {
  readonly registry: string;
  readonly kind: Kind;
  readonly outcome: Outcome;
  readonly beganAt: number;
  readonly endedAt: number;
  /** Null: it failed. */
  readonly done: WorkDone | null;
  readonly error: unknown;
}

/** Who hears of what keepers do. None may throw. */
export interface KeeperEvents {
  asked(registry: string, kind: Kind, why: string, answer: Answer): void;
  began(registry: string, kind: Kind): void;
  ended(run: EndedRun): void;
  /** Something could not be written down. */
  trouble(registry: string, error: unknown): void;
}
