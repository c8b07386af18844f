import { parseAddress } from "../client/address.ts";
import type { Config } from "../config/schema.ts";
import type { KeepEvent } from "./events.ts";
import { Keeper } from "./keeper.ts";
import type { KeeperEvents, KeeperSettings, KeeperStatus } from "./keeper-status.ts";
import type { Jobs } from "./state-jobs.ts";
import type { Work } from "./work.ts";

type Entry = Config["registries"][number];

export interface KeepersParts {
  readonly jobs: Jobs;
  readonly events: KeeperEvents;
  /** What a run that begins now does with a registry, by the configuration in force. */
  readonly work: (entry: Entry) => Work;
  /** UTC milliseconds. */
  readonly now: () => number;
}

/** Those who look after the registries of a configuration, one each. */
export class Keepers {
  readonly #parts: KeepersParts;
  readonly #keepers = new Map<string, Keeper>();
  #entries: readonly Entry[] = [];
  /** Those of registries that the configuration does not have any more, until their run has ended. */
  readonly #leaving = new Map<string, Promise<void>>();
  #stopping = false;

  constructor(parts: KeepersParts) {
    this.#parts = parts;
  }

  /** From now on these registries, in this way. Those that are no longer there end at a safe point. */
  follow(entries: readonly Entry[]): void {
    this.#entries = entries;
    const names = new Set(entries.map(({ name }) => name));
    for (const [name, keeper] of this.#keepers) {
      if (names.has(name)) continue;
      this.#keepers.delete(name);
      const leaving = keeper.stop().finally(() => {
        this.#leaving.delete(name);
        // It has come back meanwhile: two at once would be two runs at once.
        if (this.#entries.some((entry) => entry.name === name)) this.#begin(name);
      });
      this.#leaving.set(name, leaving);
    }
    for (const { name } of entries) {
      const known = this.#keepers.get(name);
      if (known) known.changed();
      else if (!this.#leaving.has(name)) this.#begin(name);
    }
  }

  #begin(name: string): void {
    if (this.#stopping) return;
    const { jobs, events, work, now } = this.#parts;
    // The last entry stays in force for a run that goes on when its registry is taken out.
    let last: Entry | undefined;
    const entry = (): Entry => {
      last = this.#entries.find((one) => one.name === name) ?? last;
      if (!last) throw new Error(`no registry ${name}`);
      return last;
    };
    const keeper = new Keeper({
      registry: name,
      settings: () => settingsOf(entry()),
      work: () => work(entry()),
      jobs,
      events,
      now,
    });
    this.#keepers.set(name, keeper);
    keeper.start();
  }

  of(registry: string): Keeper | null {
    return this.#keepers.get(registry) ?? null;
  }

  all(): readonly Keeper[] {
    return [...this.#keepers.values()];
  }

  statuses(): readonly KeeperStatus[] {
    return this.all().map((keeper) => keeper.status());
  }

  /** Which registry tells of something: the only one there is, or the only one at one of its hosts. */
  whose({ hosts }: Pick<KeepEvent, "hosts">): string | null {
    const [first, ...others] = this.#entries;
    if (first && others.length === 0) return first.name;
    const at = this.#entries.filter(({ url }) => hosts.includes(parseAddress(url).host));
    return at.length === 1 ? (at[0]?.name ?? null) : null;
  }

  /** Resolves when all that goes on has come to a safe point. `hard`: a nearer one. */
  async stop(hard = false): Promise<void> {
    this.#stopping = true;
    const kept = this.all().map((keeper) => keeper.stop(hard));
    await Promise.all([...kept, ...this.#leaving.values()]);
  }
}

function settingsOf({ prune, collect }: Entry): KeeperSettings {
  return { prune: prune ?? null, collect: collect && collect.with !== "none" ? collect : null };
}
