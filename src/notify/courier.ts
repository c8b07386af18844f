import { setTimeout as sleep } from "node:timers/promises";
import type { Happening } from "../metadata/event.ts";
import type { MetadataReads } from "../metadata/metadata.ts";
import type { Log } from "../observe/log.ts";
import { deliver } from "./deliver.ts";
import { type Endpoint, wants } from "./endpoint.ts";
import { type Setting, type WireEvent, envelope, eventId, wireEvent } from "./format.ts";
import { type PullQueue, happeningOf } from "./pulls.ts";
import { referencesOf } from "./references.ts";
import { waitAfter } from "./retry.ts";

/** Events looked at in one go. */
const PAGE = 200;

/**
 * Between two deliveries: what happens meanwhile travels together. Under load this bounds what telling
 * costs those who push and pull.
 */
const PACE_MS = 50;

/** For each pull that was told: there can be many thousands a second, and telling them is not our work. */
const PULL_MS = 4;

/** How long a delivery that is under way may take when the registry stops. */
const LAST_MS = 1000;

export interface CourierOptions {
  readonly metadata: MetadataReads;
  readonly setting: Setting;
  readonly includeReferences: boolean;
  readonly log: Log;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly chance: () => number;
}

interface Batch {
  readonly events: readonly WireEvent[];
  /** Where the cursor is when they are delivered. */
  readonly cursor: number;
  /** How many of them are pulls. */
  readonly pulls: number;
}

/**
 * Brings the events to one endpoint: one delivery at a time, in the order of the commits.
 *
 * The cursor moves only when a delivery was answered well, so whatever is interrupted is delivered again,
 * and nothing is passed over: events have growing ids that are given in the order of the commits, by one
 * writer, so no event can appear behind the cursor later. A pull is told after all changes that were
 * committed before it was noticed.
 */
export class Courier {
  #cursor: number;
  #failures = 0;
  /** Events in the next delivery: fewer with each failure, because many may be too many, then slowly more. */
  #most: number;
  #delivered = 0;
  #failed = 0;
  #news = true;
  /** No pull is told before, on the clock of `performance.now`. */
  #pullsAt = 0;
  #wake: () => void = () => undefined;
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    readonly endpoint: Endpoint,
    cursor: number,
    /** Null: it does not want to hear of pulls. */
    readonly pulls: PullQueue | null,
    readonly options: CourierOptions,
  ) {
    this.#cursor = cursor;
    this.#most = endpoint.config.batch;
  }

  /** It has heard of this event and of all before it. */
  get cursor(): number {
    return this.#cursor;
  }
  /** Events that were delivered since the start. */
  get delivered(): number {
    return this.#delivered;
  }
  /** Deliveries that failed since the start. */
  get failed(): number {
    return this.#failed;
  }
  /** Whether the last delivery failed. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There may be something to deliver. */
  wake(): void {
    this.#news = true;
    this.#wake();
  }

  /** A pull was noticed. Most have to wait, and somebody has set a clock for them. */
  wakeForPull(): void {
    if (performance.now() >= this.#pullsAt) this.wake();
  }

  /** Ends at once, or after the delivery that is under way if that is quick. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    const late = new AbortController();
    await Promise.race([this.#running, pause(LAST_MS, late.signal)]);
    late.abort();
    this.#cut.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#news = false;
      try {
        const batch = await this.#next();
        if (batch) await this.#send(batch);
        else if (!this.#news) await this.#untilNews();
      } catch (error) {
        // Reading our own tables failed. Nothing is lost: the cursor is where it was.
        this.options.log.error({ err: error, endpoint: this.endpoint.name }, "events wait");
        await pause(this.endpoint.config.backoff, signal);
      }
    }
  }

  async #untilNews(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const early = this.#pullsAt - performance.now();
    const clock = this.pulls && early > 0 ? setTimeout(resolve, early) : undefined;
    if (!this.#stopping.signal.aborted) await promise;
    clearTimeout(clock);
    this.#wake = () => undefined;
  }

  /** What to deliver next; null when there is nothing. */
  async #next(): Promise<Batch | null> {
    const { config } = this.endpoint;
    const most = this.#most;
    for (;;) {
      const page = await this.options.metadata.readEvents(this.#cursor, Math.max(PAGE, most));
      const last = page.at(-1)?.id;
      if (last === undefined) return await this.#nextPulls(most);
      const wanted = page.filter(({ event }) => wants(config, event)).slice(0, most);
      if (wanted.length === 0) {
        this.#cursor = last;
        continue;
      }
      const events = wanted.map(({ id, event }) =>
        this.#onTheWire(event, eventId(event.by.requestId, id)),
      );
      const cursor = wanted.length === most ? (wanted.at(-1)?.id ?? last) : last;
      return { events: await Promise.all(events), cursor, pulls: 0 };
    }
  }

  async #nextPulls(most: number): Promise<Batch | null> {
    const { pulls, endpoint } = this;
    while (pulls && pulls.size > 0 && performance.now() >= this.#pullsAt) {
      const noticed = pulls.first(most);
      const events: WireEvent[] = [];
      for (const pull of noticed) {
        const event = happeningOf(pull);
        if (event && wants(endpoint.config, event)) {
          events.push(await this.#onTheWire(event, pull.id));
        }
      }
      if (events.length > 0) return { events, cursor: this.#cursor, pulls: noticed.length };
      pulls.remove(noticed.length);
    }
    return null;
  }

  async #onTheWire(event: Happening, id: string): Promise<WireEvent> {
    const { includeReferences, metadata, setting } = this.options;
    const references = includeReferences ? await referencesOf(event, metadata) : null;
    return wireEvent(event, id, references, setting);
  }

  async #send({ events, cursor, pulls }: Batch): Promise<void> {
    const { endpoint, options } = this;
    const { log, now, chance } = options;
    const outcome = await deliver(endpoint, envelope(events), this.#cut.signal, now);
    if (outcome.delivered) {
      this.#cursor = cursor;
      this.pulls?.remove(pulls);
      this.#pullsAt = Math.max(this.#pullsAt, performance.now() + pulls * PULL_MS);
      this.#delivered += events.length;
      if (this.#failures > 0)
        log.info({ endpoint: endpoint.name }, "the endpoint takes events again");
      this.#failures = 0;
      this.#most = Math.min(
        endpoint.config.batch,
        this.#most + Math.ceil(endpoint.config.batch / 20),
      );
      if (endpoint.config.batch > 1) await pause(PACE_MS, this.#stopping.signal);
      return;
    }
    if (this.#cut.signal.aborted) return;
    this.#failures++;
    this.#failed++;
    this.#most = Math.max(1, Math.floor(this.#most / 2));
    const wait = waitAfter(this.#failures, endpoint.config, outcome.after, chance());
    const worth = this.#failures === 1 || this.#failures >= endpoint.config.threshold;
    log[worth ? "warn" : "debug"](
      {
        endpoint: endpoint.name,
        reason: outcome.reason,
        failures: this.#failures,
        event: events[0]?.id,
        retryMs: wait,
      },
      "events could not be delivered; trying again",
    );
    await pause(wait, this.#stopping.signal);
  }
}

/** Ends early, without an error, when it is told to. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
