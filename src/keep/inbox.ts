import type { PullRule } from "../registry/pull-rules.ts";
import { type KeepEvent, timeOf } from "./events.ts";
import type { Keepers } from "./keepers.ts";
import { readDelivery } from "./read-events.ts";
import type { Listening } from "./state-listening.ts";
import type { Times, ToldPull, ToldPush } from "./state-times.ts";

export interface InboxParts {
  readonly keepers: Keepers;
  readonly times: Times;
  readonly listening: Listening;
  /** Whether who tells can be believed to be the registry: what he does not tell of did not happen. */
  readonly believed: () => boolean;
  /** Whose pulls count; as in force. */
  readonly counts: () => PullRule;
  readonly heard: (what: Heard) => void;
  /** UTC milliseconds. */
  readonly now: () => number;
}

/** How many events of a delivery were of each kind. Bounded, whatever is sent. */
export interface Heard {
  /** Null: of none that we look after. */
  readonly registry: string | null;
  readonly push: number;
  readonly pull: number;
  readonly delete: number;
  /** Nothing follows from them: blobs, scanners, what cannot be understood. */
  readonly passed: number;
}

/** Takes what registries tell of. */
export class Inbox {
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /**
   * Goes by one delivery. `registry`: whose it is, as the path says; null: as the events say. Pushes and
   * deletes are written down when it returns, so that an answer is a promise. Throws DeliveryError for
   * what is none.
   */
  take(body: Uint8Array, registry: string | null): void {
    const { events, passed } = readDelivery(body);
    const { keepers, heard } = this.#parts;
    const of = new Map<string | null, KeepEvent[]>();
    for (const event of events) {
      const name = registry ?? keepers.whose(event);
      const known = of.get(name);
      if (known) known.push(event);
      else of.set(name, [event]);
    }
    for (const [name, told] of of) this.#tell(name, told);
    if (passed > 0) heard({ ...NOTHING, registry, passed });
  }

  #tell(registry: string | null, events: readonly KeepEvent[]): void {
    const { keepers, times, listening, believed, counts, heard, now } = this.#parts;
    if (registry === null) return heard({ ...NOTHING, passed: events.length });
    const arrived = now();
    const counting = counts();
    const pushes: ToldPush[] = [];
    const pulls: ToldPull[] = [];
    let deletes = 0;
    for (const event of events) {
      const { action, repository, tag, digest, method, agent } = event;
      const at = timeOf(event, arrived);
      if (action === "delete") deletes++;
      else if (action === "push" && tag && !OURS.test(agent)) {
        pushes.push({ registry, repository, tag, digest, at });
      } else if (action === "pull" && digest && counting(method, agent)) {
        pulls.push({ registry, repository, digest, at });
      }
    }
    if (believed()) {
      // Also one that does not count: it shows that pulls are told.
      listening.heard(
        registry,
        events.some(({ action }) => action === "pull"),
        arrived,
      );
    }
    times.tellPushes(pushes);
    times.tellPulls(pulls);
    if (deletes > 0) keepers.of(registry)?.deleted();
    const passed = events.length - pushes.length - pulls.length - deletes;
    heard({ registry, push: pushes.length, pull: pulls.length, delete: deletes, passed });
  }
}

/**
 * What we push are copies, which count from the first time that they are seen, and placeholders for tags
 * that are removed: their tags shall not seem to be new if that is interrupted.
 */
const OURS = /^wharfinger\b/;

const NOTHING: Heard = { registry: null, push: 0, pull: 0, delete: 0, passed: 0 };
