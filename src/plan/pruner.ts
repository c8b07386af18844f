import type { Who } from "../metadata/event.ts";
import type { RegistryError } from "../oci/errors.ts";

/** What one run of retention on this registry came to. Times are UTC milliseconds, sizes bytes. */
export interface PrunerRun {
  readonly startedAt: number;
  /** Null: it goes on. */
  readonly endedAt: number | null;
  /** Somebody asked for it; otherwise it was time. */
  readonly asked: boolean;
  /** Only to report what would go. */
  readonly dryRun: boolean;
  /** `planned`: there was only a plan, or nothing to do. `cut off`: the process ended before it did. */
  readonly outcome: "running" | "planned" | "done" | "refused" | "failed" | "stopped" | "cut off";
  /** Why it is not `done`. */
  readonly reason: string | null;
  /** What was removed, or would be. */
  readonly tags: number;
  readonly manifests: number;
  readonly bytes: { readonly freed: number; readonly shared: number };
  /** Repositories of which nothing went although something should have: kept whole, drifted, failed; the first of them. */
  readonly kept: readonly { readonly repository: string; readonly reason: string }[];
}

/** What a run has to tell in its end. */
export type PrunerOutcome = Pick<
  PrunerRun,
  "outcome" | "reason" | "tags" | "manifests" | "bytes" | "kept"
>;

export interface PrunerParts {
  /** Plans, and unless it is a dry run carries out. It stops where it is safe when the signal says so. */
  run(how: RunHow): Promise<PrunerOutcome>;
  /** Why nothing may be changed at this moment; null: it may. */
  obstacle(): RegistryError | null;
  /** As configured. */
  dryRun(): boolean;
  /** The runs that are remembered, the newest first. */
  readonly past: readonly PrunerRun[];
  remember(runs: readonly PrunerRun[]): Promise<void>;
  readonly now: () => number;
  /** One began that counts for the schedule: not one that somebody asked for to see what would go. */
  began(at: number): void;
  ended(run: PrunerRun): void;
  failed(error: unknown): void;
}

export interface RunHow {
  readonly dryRun: boolean;
  /** Who asked for it; null: it was time. */
  readonly by: Who | null;
  readonly stop: AbortSignal;
}

/** `dryRun`: null: as configured. */
export type PrunerWish = { readonly dryRun: boolean | null } & Pick<RunHow, "by">;

/** How many runs are remembered. */
const RUNS = 20;

/** The last that counts for the schedule. Pure. */
export function lastCounting(runs: readonly PrunerRun[]): PrunerRun | null {
  return runs.find(counts) ?? null;
}

function counts({ asked, dryRun }: Pick<PrunerRun, "asked" | "dryRun">): boolean {
  return !asked || !dryRun;
}

/** However many only looked since, the last one that counts is among them. */
function latest(runs: readonly PrunerRun[]): readonly PrunerRun[] {
  const last = lastCounting(runs);
  const first = runs.slice(0, RUNS);
  return last === null || first.includes(last) ? first : [...first.slice(0, RUNS - 1), last];
}

const NOTHING = { tags: 0, manifests: 0, bytes: { freed: 0, shared: 0 }, kept: [] } as const;

/**
 * Applies retention to the registry of this process: one run at a time. Who asks while one goes on joins it; but
 * a run that only plans does not do what somebody else asked for: another one follows it.
 */
export class Pruner {
  readonly #parts: PrunerParts;
  #runs: readonly PrunerRun[];
  #running: PrunerRun | null = null;
  #stop = new AbortController();
  #work: Promise<void> | null = null;
  #next: PrunerWish | null = null;
  #noted: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: PrunerParts) {
    this.#parts = parts;
    // What a crash has cut off was remembered when it began.
    this.#runs = parts.past.map((run) =>
      run.outcome === "running" ? { ...run, outcome: "cut off" } : run,
    );
  }

  get runs(): readonly PrunerRun[] {
    return this.#runs;
  }

  get running(): PrunerRun | null {
    return this.#running;
  }

  /** Begins a run, or joins the one that goes on, or follows it. Throws what stands in the way. */
  ask(wish: PrunerWish): void {
    const obstacle = this.#parts.obstacle();
    if (obstacle) throw obstacle;
    if (this.#closed) return;
    const dryRun = wish.dryRun ?? this.#parts.dryRun();
    if (this.#running) {
      if (this.#running.dryRun && !dryRun) this.#next ??= wish;
      return;
    }
    this.#stop = new AbortController();
    const startedAt = this.#parts.now();
    const run: PrunerRun = {
      ...NOTHING,
      startedAt,
      endedAt: null,
      asked: wish.by !== null,
      dryRun,
      outcome: "running",
      reason: null,
    };
    this.#running = run;
    if (counts(run)) this.#parts.began(startedAt);
    this.#work = this.#run(run, wish.by);
  }

  /** Ends what goes on where it is safe; it may be begun again. */
  stop(reason: string): void {
    this.#stop.abort(new Error(reason));
  }

  /** Resolves when the run that goes on was written down: whoever has asked for it may be told so. */
  async noted(): Promise<void> {
    await this.#noted;
  }

  async idle(): Promise<void> {
    while (this.#running) await this.#work;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.stop("the registry stops");
    await this.idle();
  }

  async #run(run: PrunerRun, by: Who | null): Promise<void> {
    this.#noted = this.#remember([run, ...this.#runs]);
    await this.#noted;
    const { signal } = this.#stop;
    let outcome: PrunerOutcome;
    try {
      outcome = await this.#parts.run({ dryRun: run.dryRun, by, stop: signal });
    } catch (error) {
      const reason = (error as Error).message;
      outcome = { ...NOTHING, outcome: signal.aborted ? "stopped" : "failed", reason };
      if (!signal.aborted) this.#parts.failed(error);
    }
    const ended: PrunerRun = { ...run, ...outcome, endedAt: this.#parts.now() };
    const runs = latest([ended, ...this.#runs]);
    await this.#remember(runs);
    // From here on whoever sees that it has ended can begin another one.
    this.#runs = runs;
    this.#running = null;
    this.#parts.ended(ended);
    this.#follow();
  }

  #follow(): void {
    const next = this.#next;
    this.#next = null;
    if (next && this.#parts.obstacle() === null) this.ask(next);
  }

  /** What was done does not depend on it. */
  async #remember(runs: readonly PrunerRun[]): Promise<void> {
    await this.#parts.remember(latest(runs)).catch(() => undefined);
  }
}
