import { randomUUID } from "node:crypto";
import type { Config } from "../config/schema.ts";
import type { EventCursor, Who } from "../metadata/event.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Log } from "../observe/log.ts";
import { announcing } from "./announcing.ts";
import { Courier } from "./courier.ts";
import { endpointOf, wants } from "./endpoint.ts";
import { type Pull, PullQueue } from "./pulls.ts";

/**
 * Events on their way from the tables to the endpoints.
 *
 * Why none is lost: the transaction of a change writes its event, so whoever was told that a change is
 * done can rely on its event as on the change itself. An event leaves the tables only when every
 * endpoint's cursor has passed it, and a cursor passes it only when the endpoint has answered well, or
 * does not want it. A cursor is written after the fact, at most once a second: a kill repeats what was
 * delivered since, with the same ids, and loses nothing. What the two exceptions are, the limit of events
 * and pulls, is counted and logged.
 */
export interface Outbox {
  /** The metadata, whose changes are announced from now on. */
  readonly metadata: Metadata;
  /** Where pulls are noticed; null when nobody wants to hear of them. */
  readonly pulls: PullSink | null;
  /** Begins to deliver. `addr`: what events say of where they come from. */
  start(addr: string): void;
  /** For metrics; pending events include those that an endpoint will skip. */
  states(): Promise<EndpointState[]>;
  /** Ends the deliveries and writes down how far they came. The metadata must still be open. */
  close(): Promise<void>;
}

export interface PullSink {
  /** `make` is called only when there is room. */
  offer(make: () => Pull): void;
}

export interface EndpointState {
  readonly name: string;
  readonly pending: number;
  readonly delivered: number;
  /** Deliveries, not events. */
  readonly failed: number;
  readonly failing: boolean;
  /** Pulls that were not told. */
  readonly dropped: number;
}

export interface OutboxOptions {
  readonly metadata: Metadata;
  /** Where the API is, for a client that has used this scheme and host. */
  readonly baseUrl: (by: Pick<Who, "scheme" | "host">) => string;
  readonly log: Log;
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly chance?: () => number;
  readonly checkMs?: number;
}

/** Pulls that wait for one endpoint, at most. */
const PULLS = 1000;

const SAVE_MS = 1000;
/** Between two looks at the limit, at what was dropped, and at what nobody has said. */
const CHECK_MS = 10_000;

/** Takes up where the last process ended. */
export async function openOutbox(
  config: Config["notifications"],
  options: OutboxOptions,
): Promise<Outbox> {
  const { metadata, log, baseUrl, now = Date.now, chance = Math.random } = options;
  const { checkMs = CHECK_MS } = options;
  const endpoints = config.endpoints.filter(({ disabled }) => !disabled).map(endpointOf);
  const saved = new Map<string, number>();
  const remember = (cursors: readonly EventCursor[]): void => {
    for (const { endpoint, eventId } of cursors) saved.set(endpoint, eventId);
  };
  remember(
    await listen(
      endpoints.map(({ name }) => name),
      metadata,
    ),
  );

  const source = { addr: "", instanceID: randomUUID() };
  const { includeReferences } = config;
  const couriers = endpoints.map((endpoint) => {
    const pulls = wants(endpoint.config, { action: "pull", mediaType: null });
    return new Courier(
      endpoint,
      saved.get(endpoint.name) ?? 0,
      pulls ? new PullQueue(PULLS) : null,
      {
        metadata,
        setting: { source, baseUrl },
        includeReferences,
        log,
        now,
        chance,
      },
    );
  });

  const save = async (): Promise<void> => {
    const moved = couriers
      .map(({ endpoint, cursor }) => ({ endpoint: endpoint.name, eventId: cursor }))
      .filter(({ endpoint, eventId }) => saved.get(endpoint) !== eventId);
    if (moved.length === 0) return;
    await metadata.advanceCursors(moved);
    remember(moved);
  };

  /** The tables must not grow without an end because of a receiver that nobody repairs. */
  const trim = async (): Promise<void> => {
    const newest = await metadata.newestEvent();
    const behind = couriers.filter(({ cursor }) => newest - cursor > config.limit);
    if (behind.length === 0) return;
    const lost = await metadata.trimEvents(config.limit);
    if (lost === 0) return;
    const names = behind.map(({ endpoint }) => endpoint.name);
    log.error(
      { events: lost, endpoints: names, limit: config.limit },
      "too many events wait: the least important were given up, and the endpoints will not hear of them",
    );
  };

  let said = 0;
  const sayDropped = (): void => {
    const dropped = couriers.reduce((sum, { pulls }) => sum + (pulls?.dropped ?? 0), 0);
    if (dropped > said) log.warn({ pulls: dropped - said }, "pulls came faster than they are told");
    said = dropped;
  };

  let checked = performance.now();
  let tidying: Promise<void> = Promise.resolve();
  let troubled = false;
  const tidy = async (): Promise<void> => {
    try {
      await save();
      troubled = false;
      if (performance.now() - checked < checkMs) return;
      checked = performance.now();
      // A change that was under way when another configuration came has told the couriers before these.
      for (const courier of couriers) courier.wake();
      sayDropped();
      await trim();
    } catch (error) {
      // What was delivered stays delivered in memory; after a restart it would be repeated.
      if (troubled) return;
      troubled = true;
      log.warn({ err: error }, "how far the events came could not be written down; trying again");
    }
  };
  let timer: NodeJS.Timeout | undefined;

  const withPulls = couriers.filter(({ pulls }) => pulls !== null);
  return {
    metadata: announcing(
      metadata,
      (what) => endpoints.some((endpoint) => wants(endpoint.config, what)),
      () => couriers.forEach((courier) => courier.wake()),
    ),
    pulls: withPulls.length === 0 ? null : sink(withPulls),
    start(addr) {
      source.addr = addr;
      for (const courier of couriers) courier.start();
      if (couriers.length === 0) return;
      timer = setInterval(() => {
        tidying = tidying.then(tidy);
      }, SAVE_MS);
    },
    async states() {
      const newest = couriers.length === 0 ? 0 : await metadata.newestEvent();
      return couriers.map(({ endpoint, pulls, cursor, delivered, failed, failing }) => ({
        name: endpoint.name,
        pending: newest - cursor + (pulls?.size ?? 0),
        delivered,
        failed,
        failing,
        dropped: pulls?.dropped ?? 0,
      }));
    },
    async close() {
      clearInterval(timer);
      await Promise.all(couriers.map((courier) => courier.stop()));
      await tidying;
      await tidy();
      const untold = couriers.reduce((sum, { pulls }) => sum + (pulls?.size ?? 0), 0);
      if (untold > 0) log.warn({ pulls: untold }, "these pulls will not be told");
    },
  };
}

/** Where nothing changed nothing is written: most registries have no endpoint, and start without a commit. */
async function listen(names: readonly string[], metadata: Metadata): Promise<EventCursor[]> {
  const cursors = await metadata.listCursors();
  const known = new Set(cursors.map(({ endpoint }) => endpoint));
  const same = known.size === names.length && names.every((name) => known.has(name));
  return same ? cursors : await metadata.setListeners(names);
}

function sink(couriers: readonly Courier[]): PullSink {
  return {
    offer(make) {
      let pull: Pull | null = null;
      for (const courier of couriers) {
        if (courier.pulls?.full) courier.pulls.drop();
        else {
          courier.pulls?.add((pull ??= make()));
          courier.wakeForPull();
        }
      }
    },
  };
}
