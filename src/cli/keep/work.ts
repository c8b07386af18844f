import type { Config } from "../../config/schema.ts";
import { collectorOf } from "../../keep/collect/choose.ts";
import { pruneRegistry } from "../../keep/prune.ts";
import type { KeepState } from "../../keep/state.ts";
import type { Work } from "../../keep/work.ts";
import type { Log } from "../../observe/log.ts";
import type { Terminal } from "../terminal.ts";

export interface WorkContext {
  readonly environment: Terminal["environment"];
  readonly state: KeepState;
  readonly log: Log;
  readonly now: () => number;
}

/** What a run that begins now does with a registry. */
export function workOf(
  entry: Config["registries"][number],
  config: Config,
  { environment, state, log, now }: WorkContext,
): Work {
  const say = (facts: Readonly<Record<string, unknown>>, message: string): void =>
    log.warn({ registry: entry.name, ...facts }, message);
  const times = (registry: string) => state.timesOf(registry);
  return {
    prune: async (stop) =>
      await pruneRegistry(entry, { config, environment, times, say, now }, stop),
    collect: collectorOf(entry, { environment, now, say }),
  };
}
