import type { CollectPolicy } from "../metadata/collection.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Registry } from "../registry/registry.ts";
import {
  BEYOND,
  ForeignWriter,
  type RunParts,
  type RunSettings,
  Stopped,
  collectDue,
  policyOf,
  removeBytes,
  reviewBefore,
} from "./collect-run.ts";
import { giveConsent, isHeard, reviewWaiting, waitingUntil } from "../registry/consent.ts";
import { type GcPlanPart } from "../plan/gc-plan.ts";
import { type Obstacle, obstacleOf } from "./obstacles.ts";
import { planOnline, planTotals } from "./online-plan.ts";
import type { InUseRoots } from "./in-use-roots.ts";
import { Pace } from "./pace.ts";
import { type PastRun, type RunReport, newReport, readRun } from "./run-report.ts";
import type { CollectorStatus, Phase, Waiting, Wish } from "./collector-status.ts";
import { type Times, inWindow, untilScheduled } from "./schedule.ts";
import { Totals } from "./run-totals.ts";
import { clearLeftovers } from "./leftovers.ts";
import { doomOrphans, restoreNeeded } from "./walk.ts";

/** How often it is looked whether something is due, when nothing else is said. */
const LOOK_MS = 60_000;

/** After a run that failed. */
const RETRY_MS = 10_000;

/** How many runs are shown. */
const SHOWN = 20;

/** As configured; another configuration is in force from the next batch on. */
export interface CollectorSettings extends RunSettings, Times {
  readonly enabled: boolean;
  readonly readOnly: boolean;
}

export interface CollectorParts {
  readonly registry: RunParts["registry"] & Pick<Registry, "promises">;
  readonly drain: () => Promise<void>;
  /** Resolves when the tree was compared after the start: to false when it could not be. */
  readonly compared: Promise<boolean>;
  /** Why no change is taken any more; null while they are. */
  readonly writesStopped: () => string | null;
  /** UTC milliseconds of the machine, by which files are dated. */
  readonly openSince: number;
  readonly settings: () => CollectorSettings;
  /** Reads what somebody runs; null: no source is configured. */
  readonly inUse?: () => Promise<InUseRoots | null>;
  readonly events: CollectorEvents;
  /** Monotonic milliseconds. */
  readonly uptime?: () => number;
}

export interface CollectorEvents {
  ended(run: PastRun): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * Collects garbage in a registry that goes on: when something is due, at the times that are configured,
 * or when somebody asks. One run at a time; who asks while one goes on joins it.
 */
export class Collector {
  readonly totals = new Totals();
  readonly #parts: CollectorParts;
  readonly #uptime: () => number;
  readonly #began: number;
  #grace: number;
  /** Since when, and for how long, a grace holds that was longer than the present one. */
  #longer = { at: 0, for: 0 };
  #compared: boolean | null = null;
  /** Another program writes into the tree: where. */
  #foreign: string | null = null;
  #restored = false;
  #waiting: Waiting | null = null;
  #wish: Wish | null = null;
  #running: { id: number; startedAt: number; report: RunReport; phase: Phase } | null = null;
  #work: Promise<void> | null = null;
  #timer: Timer | null = null;
  #nextAt: number | null = null;
  #closing = false;
  readonly #closed = Promise.withResolvers<void>();

  constructor(parts: CollectorParts) {
    this.#parts = parts;
    this.#uptime = parts.uptime ?? (() => performance.now());
    this.#began = this.#uptime();
    this.#grace = parts.settings().grace;
    void parts.compared.then((done) => (this.#compared = done));
  }

  /** From now on it begins by itself. */
  start(): void {
    void this.#parts.compared.then(() => this.#schedule());
  }

  /** The settings are others. With a shorter grace what was told under the longer one still holds. */
  changed(): void {
    const { grace } = this.#parts.settings();
    if (grace < this.#grace) {
      const held = BEYOND * this.#grace;
      if (this.#heldLonger() < held) this.#longer = { at: this.#uptime(), for: held };
    }
    this.#grace = grace;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#schedule();
  }

  /** Ends what goes on, at a safe point. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#closed.resolve();
    if (this.#timer) clearTimeout(this.#timer);
    await this.#work;
  }

  /**
   * Begins a run as soon as nothing stands in its way, or joins the one that goes on. Throws when
   * something stands in its way that does not end by itself: READ_ONLY, WRITES_STOPPED, COLLECTION_REFUSED.
   */
  async ask(wish: Wish): Promise<CollectorStatus> {
    const { metadata } = this.#parts.registry;
    const obstacle = this.#obstacle(true);
    if (obstacle && obstacle.endsIn === null) throw refusal(obstacle, this.#parts);
    if (wish.consent) await giveConsent(metadata);
    // What goes on may be past what is asked for now.
    const again = wish.consent || wish.walk;
    if (this.#running === null || again) this.#wish = { ...this.#wish, ...wish };
    this.#tick();
    return await this.status();
  }

  async status(): Promise<CollectorStatus> {
    const { registry, settings } = this.#parts;
    const { metadata } = registry;
    const begun = this.#work !== null;
    const until = await waitingUntil(metadata);
    const policy = await this.#policy(false);
    const queue = await metadata.countReview(reviewBefore(policy));
    const runs = await metadata.listRuns(SHOWN);
    const running = this.#running;
    // One that is about to begin, or about to be written down, is not one that was cut off.
    const [newest] = runs;
    const current = (begun || this.#work !== null) && newest?.endedAt === null ? newest : null;
    const obstacle = running ? null : this.#obstacle(this.#wish !== null);
    return {
      enabled: settings().enabled,
      state: running ? "running" : this.#wish ? "waiting" : "idle",
      obstacle,
      run: running && {
        id: running.id,
        startedAt: running.startedAt,
        endedAt: null,
        ...running.report,
        phase: running.phase,
      },
      queue,
      consent: until === null ? null : { before: until, waiting: this.#waiting },
      nextAt: this.#nextAt,
      runs: runs.filter((run) => run !== current).map((run) => readRun(run)),
    };
  }

  /**
   * What a collection would take away at this moment; `consent`: also of what waits for its owner's yes.
   */
  async *plan(consent: boolean): AsyncGenerator<GcPlanPart> {
    const { registry } = this.#parts;
    yield* planOnline(registry.metadata, await this.#policy(consent), await this.#inUse());
  }

  /** How much waits for its owner's yes; null: nothing has to. It is remembered for `status`. */
  async measureWaiting(): Promise<Waiting | null> {
    const { metadata } = this.#parts.registry;
    if ((await waitingUntil(metadata)) === null) return (this.#waiting = null);
    const inUse = await this.#inUse();
    const [all, now] = [
      await planTotals(metadata, await this.#policy(true), inUse),
      await planTotals(metadata, await this.#policy(false), inUse),
    ];
    this.#waiting = {
      manifests: all.manifests.garbage - now.manifests.garbage,
      blobs: all.blobs.garbage - now.blobs.garbage,
      bytes: all.bytes.garbage - now.bytes.garbage,
    };
    return this.#waiting;
  }

  async #inUse(): Promise<InUseRoots | null> {
    return (await this.#parts.inUse?.()) ?? null;
  }

  async #policy(consent: boolean): Promise<CollectPolicy> {
    const { registry, settings } = this.#parts;
    const until = consent ? null : await waitingUntil(registry.metadata);
    return policyOf(0, { registry, settings: settings(), waitingUntil: until });
  }

  /** For whoever watches. */
  async figures() {
    const { metadata } = this.#parts.registry;
    const { runs, removed, bytes, last } = this.totals;
    const { waiting } = await metadata.countReview(reviewBefore(await this.#policy(false)));
    return {
      runs,
      removed,
      bytes,
      running: this.#running !== null,
      queued: waiting,
      waitingBytes: this.#waiting?.bytes ?? 0,
      lastEndedAt: last?.endedAt ?? null,
    };
  }

  /** Resolves when no run goes on. */
  async idle(): Promise<void> {
    while (this.#work) await this.#work;
  }

  #schedule(): void {
    if (this.#closing || this.#timer || this.#work) return;
    const now = this.#parts.registry.now();
    const obstacle = this.#obstacle(this.#wish !== null);
    const settings = this.#parts.settings();
    let wait: number | null = settings.enabled
      ? settings.schedule === undefined
        ? Math.min(LOOK_MS, Math.max(1, settings.grace / 4))
        : untilScheduled(settings, now)
      : null;
    if (this.#wish && obstacle?.endsIn) wait = obstacle.endsIn;
    this.#nextAt = wait === null ? null : now + wait;
    if (wait === null) return;
    // Timers cannot be set for longer.
    const due = wait <= LOOK_MS;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        if (due) this.#tick();
        else this.#schedule();
      },
      Math.min(wait, LOOK_MS),
    );
  }

  #tick(): void {
    if (this.#closing || this.#work) return;
    if (this.#obstacle(this.#wish !== null) !== null) return this.#schedule();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#work = this.#once().finally(() => {
      this.#work = null;
      if (this.#wish) this.#tick();
      else this.#schedule();
    });
  }

  async #once(): Promise<void> {
    try {
      if (this.#wish || (await this.#isDue())) await this.#run();
    } catch (error) {
      this.#parts.events.warn({ err: error }, "a collection could not begin or end; trying again");
      await Promise.race([Bun.sleep(RETRY_MS), this.#closed.promise]);
    }
  }

  async #isDue(): Promise<boolean> {
    const { metadata } = this.#parts.registry;
    const policy = await this.#policy(false);
    const [first] = await metadata.readReview(reviewBefore(policy), 1);
    if (first !== undefined || (await metadata.hasDoomed())) return true;
    // What an earlier one has left half done.
    return (await metadata.listClaims()).length > 0 || (await isHeard(metadata));
  }

  async #run(): Promise<void> {
    const { registry, drain, settings, openSince, events } = this.#parts;
    const { metadata } = registry;
    const startedAt = registry.now();
    const id = await metadata.startRun(startedAt);
    // In the same breath as what says that it goes on: a wish is never both gone and not begun.
    const wish = this.#wish;
    this.#wish = null;
    const asked = wish !== null;
    const report = newReport(asked);
    const running = { id, startedAt, report, phase: "queue" as Phase };
    this.#running = running;
    const parts: RunParts = {
      registry,
      drain,
      get settings() {
        return settings();
      },
      waitingUntil: await waitingUntil(metadata),
      inUse: await this.#inUse(),
      pace: new Pace(() => settings().pace),
      mayNot: () => (this.#closing ? "the registry stops" : this.#pause(asked)),
      openSince,
    };
    if (parts.inUse?.failure) {
      report.inUse = parts.inUse.failure;
      events.warn({ reason: report.inUse }, "no untagged manifests are collected");
    }
    try {
      await reviewWaiting(metadata);
      if (!this.#restored || wish?.walk) await restoreNeeded(parts, report);
      this.#restored = true;
      await collectDue(id, parts, report, (phase) => (running.phase = phase));
      if (wish?.walk) {
        running.phase = "looking";
        await clearLeftovers(id, parts, report);
        await doomOrphans(id, parts);
        running.phase = "bytes";
        await removeBytes(id, parts, report, new Set());
      }
      const hiding = await metadata.findHiding();
      if (hiding) {
        const { name, damage } = hiding;
        report.hiding = `${name}: ${damage.path}: ${damage.problem}`;
        events.warn(
          { repository: name, path: damage.path },
          `no bytes go, because it could not be read which of them are needed: ${damage.problem}`,
        );
      }
      report.outcome = "done";
    } catch (error) {
      this.#judge(error, report);
    } finally {
      const endedAt = registry.now();
      const run: PastRun = { id, startedAt, endedAt, ...report };
      this.totals.add(run);
      events.ended(run);
      await metadata.endRun(id, endedAt, JSON.stringify(report)).finally(() => {
        this.#running = null;
      });
    }
    if (this.#waiting) await this.measureWaiting();
  }

  #judge(error: unknown, report: RunReport): void {
    report.outcome = error instanceof Stopped ? "stopped" : "failed";
    report.reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof ForeignWriter)) {
      if (!(error instanceof Stopped)) {
        this.#parts.events.warn({ err: error }, "a collection has failed; it will go on later");
      }
      return;
    }
    this.#foreign = error.message;
    report.reason = `another program writes into the tree: ${error.message}`;
    this.#parts.events.warn(
      { path: error.message },
      "another program writes into the tree that is served here: nothing is collected until the next start",
    );
  }

  #heldLonger(): number {
    return this.#longer.at + this.#longer.for - this.#uptime();
  }

  #pause(asked: boolean): string | null {
    return this.#obstacle(asked)?.reason ?? null;
  }

  #obstacle(asked: boolean): Obstacle | null {
    const { registry, settings, writesStopped } = this.#parts;
    const now = settings();
    return obstacleOf({
      asked,
      writesStopped: writesStopped(),
      readOnly: now.readOnly,
      foreign: this.#foreign,
      compared: this.#compared,
      young: this.#began + now.grace - this.#uptime(),
      longer: this.#heldLonger(),
      heldOff: registry.promises.holdsOff,
      enabled: now.enabled,
      inWindow: inWindow(now, registry.now()),
    });
  }
}

function refusal({ reason }: Obstacle, { settings, writesStopped }: CollectorParts): RegistryError {
  if (writesStopped() !== null) return new RegistryError("WRITES_STOPPED");
  if (settings().readOnly) {
    return new RegistryError("READ_ONLY", {}, { headers: { allow: "GET, HEAD, OPTIONS" } });
  }
  return new RegistryError("COLLECTION_REFUSED", { reason });
}
