import { Alarm } from "./alarm.ts";
import type { KeeperEvents, KeeperSettings, KeeperStatus } from "./keeper-status.ts";
import { type Answer, KINDS, type Kind, Queue } from "./queue.ts";
import { type Told, quietAt, toldAgain } from "./quiet.ts";
import type { Jobs } from "./state-jobs.ts";
import type { Outcome, Work, WorkDone } from "./work.ts";

/** However far away it is, as in `Alarm`. */
const LOOK_MS = 30_000;

/** After a run that failed: a registry that restarts at three o'clock shall not wait for the next night. */
const FIRST_RETRY_MS = 60_000;
const MOST_RETRIES = 5;

export interface KeeperParts {
  /** Its name in the configuration. */
  readonly registry: string;
  /** As they are in force. */
  readonly settings: () => KeeperSettings;
  /** What a run that begins now does. */
  readonly work: () => Work;
  readonly jobs: Jobs;
  readonly events: KeeperEvents;
  /** UTC milliseconds. */
  readonly now: () => number;
}

/**
 * Looks after one registry: does what is due, what is asked for and what its deletes call for, one thing at
 * a time. What is asked for is written down before it is answered, and crossed off when it was done: a stop
 * or a crash in between only puts it off until the next start.
 */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #queue = new Queue();
  readonly #alarms: Readonly<Record<Kind, Alarm>>;
  readonly #stop = new AbortController();
  readonly #hard = new AbortController();
  readonly #failures = new Map<Kind, { count: number; timer: Timer }>();
  #told: Told | null = null;
  #quiet: Timer | null = null;
  #beganAt = 0;
  #work: Promise<void> | null = null;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    const alarm = (kind: Kind): Alarm => {
      const past = parts.jobs.past(parts.registry, kind, parts.now());
      return new Alarm({
        times: () => parts.settings()[kind],
        last: past.beganAt ?? past.since,
        ring: () => this.#try(kind, "schedule"),
        now: parts.now,
      });
    };
    this.#alarms = { prune: alarm("prune"), collect: alarm("collect") };
  }

  get registry(): string {
    return this.#parts.registry;
  }

  /** Takes up what was left over, and goes by the schedules from now on. */
  start(): void {
    const { jobs, registry, settings } = this.#parts;
    const wishes = jobs.wishes(registry);
    this.#told = wishes.find(({ kind }) => kind === "deletes") ?? null;
    for (const kind of KINDS) {
      if (wishes.some((wish) => wish.kind === kind)) this.#try(kind, "left-over");
    }
    for (const kind of KINDS) {
      if (settings()[kind]?.atStart === true) this.#try(kind, "start");
      this.#alarms[kind].start();
    }
    this.#watch();
  }

  /** The settings are others. */
  changed(): void {
    for (const kind of KINDS) this.#alarms[kind].changed();
    this.#watch();
  }

  /**
   * Wants something done, and answers what becomes of the wish; null: nothing collects there. Throws when
   * it cannot be written down.
   */
  ask(kind: Kind, why: string, anew = false): Answer | null {
    const { jobs, registry, now, events } = this.#parts;
    if (kind === "collect" && this.#parts.settings().collect === null) {
      // Whoever asked for it did so when there was a collector.
      jobs.fulfil(registry, kind);
      return null;
    }
    jobs.wish(registry, kind, now());
    const answer = this.#queue.ask(kind, anew);
    if (answer !== "joins") events.asked(registry, kind, why, answer);
    this.#go();
    return answer;
  }

  /** A notification told of deletes. Throws when that cannot be written down. */
  deleted(): void {
    const { jobs, registry, now, settings } = this.#parts;
    const after = settings().collect?.afterDeletes ?? "never";
    if (after === "never") return;
    jobs.wish(registry, "deletes", now());
    this.#told = toldAgain(this.#told, now());
    this.#watch();
  }

  status(): KeeperStatus {
    const { jobs, registry, now, settings } = this.#parts;
    const { running, waiting } = this.#queue;
    const job = (kind: Kind) => {
      const past = jobs.past(registry, kind, now());
      return { nextAt: this.#stop.signal.aborted ? null : this.#alarms[kind].nextAt, past };
    };
    return {
      registry,
      running: running === null ? null : { kind: running, since: this.#beganAt },
      waiting,
      collects: settings().collect !== null,
      deletesAt: this.#quietAt(),
      jobs: { prune: job("prune"), collect: job("collect") },
    };
  }

  /** Begins nothing more, and resolves when what goes on has come to a safe point. `hard`: a nearer one. */
  async stop(hard = false): Promise<void> {
    this.#stop.abort();
    if (hard) this.#hard.abort();
    for (const kind of KINDS) this.#alarms[kind].close();
    for (const { timer } of this.#failures.values()) clearTimeout(timer);
    if (this.#quiet) clearTimeout(this.#quiet);
    await this.#work;
  }

  /** As `ask`, for who cannot answer for a disk that takes nothing. */
  #try(kind: Kind, why: string, anew = false): void {
    const { registry, events } = this.#parts;
    try {
      this.ask(kind, why, anew);
    } catch (error) {
      events.trouble(registry, error);
    }
  }

  #go(): void {
    if (this.#stop.signal.aborted || this.#work) return;
    const kind = this.#queue.begin();
    if (kind === null) return;
    // Not before the next turn: whoever asked for it is answered first.
    this.#work = Promise.resolve()
      .then(async () => await this.#run(kind))
      .finally(() => {
        this.#queue.end();
        this.#work = null;
        this.#go();
      });
  }

  /** Never rejects. */
  async #run(kind: Kind): Promise<void> {
    const { registry, jobs, events, now } = this.#parts;
    const beganAt = now();
    this.#beganAt = beganAt;
    let done: WorkDone | null = null;
    let error: unknown = null;
    try {
      // What was deleted until now is before this collection.
      if (kind === "collect") this.#told = null;
      jobs.began(registry, kind, beganAt);
      this.#alarms[kind].began(beganAt);
      events.began(registry, kind);
      const signals = { asked: this.#stop.signal, hard: this.#hard.signal };
      const work = this.#parts.work();
      done =
        kind === "prune" ? await work.prune(signals) : ((await work.collect?.(signals)) ?? null);
    } catch (thrown) {
      error = thrown;
    }
    const outcome: Outcome = done?.outcome ?? "failed";
    const at = now();
    try {
      const { reason = null, tags = 0, manifests = 0, bytes = null } = done ?? {};
      const result = { reason: reason ?? messageOf(error), tags, manifests, bytes };
      const cutOff = outcome === "failed" && (this.#stop.signal.aborted || this.#triesAgain(kind));
      // Who asked for it anew while it went on still waits.
      const open = outcome === "stopped" || cutOff || this.#queue.waiting.includes(kind);
      // Also after a stop: whoever goes on with it may find nothing more to remove.
      if (this.#calls(kind, done)) jobs.wish(registry, "collect", at);
      jobs.ended(registry, kind, { at, outcome, good: outcome === "done", open, result });
    } catch (trouble) {
      events.trouble(registry, trouble);
    }
    events.ended({ registry, kind, outcome, beganAt, endedAt: at, done, error });
    this.#after(kind, outcome, done);
  }

  #after(kind: Kind, outcome: Outcome, done: WorkDone | null): void {
    const before = this.#failures.get(kind);
    clearTimeout(before?.timer);
    this.#failures.delete(kind);
    if (this.#stop.signal.aborted) return;
    const count = (before?.count ?? 0) + 1;
    if (outcome === "failed" && count <= MOST_RETRIES) {
      const wait = FIRST_RETRY_MS * 2 ** (count - 1);
      const timer = setTimeout(() => this.#try(kind, "retry"), wait);
      this.#failures.set(kind, { count, timer });
    }
    if (this.#calls(kind, done)) this.#try("collect", "prune");
  }

  /** Whether it is tried again by itself when it fails. */
  #triesAgain(kind: Kind): boolean {
    return (this.#failures.get(kind)?.count ?? 0) < MOST_RETRIES;
  }

  /** Whether a collection follows. */
  #calls(kind: Kind, done: WorkDone | null): boolean {
    if (kind !== "prune" || done === null || done.tags + done.manifests === 0) return false;
    return this.#parts.settings().collect?.afterPrune === true;
  }

  #quietAt(): number | null {
    const after = this.#parts.settings().collect?.afterDeletes ?? "never";
    return this.#told === null || after === "never" ? null : quietAt(this.#told, after);
  }

  /** Collects when it has been quiet for long enough. */
  #watch(): void {
    if (this.#quiet) clearTimeout(this.#quiet);
    this.#quiet = null;
    const now = this.#parts.now();
    if (this.#told && this.#told.lastAt > now) this.#told = { firstAt: now, lastAt: now };
    const due = this.#quietAt();
    if (due === null || this.#stop.signal.aborted) return;
    if (due <= now) {
      this.#told = null;
      this.#try("collect", "deletes", true);
    } else this.#quiet = setTimeout(() => this.#watch(), Math.min(due - now, LOOK_MS));
  }
}

function messageOf(error: unknown): string | null {
  return error === null ? null : (error as Error).message;
}
