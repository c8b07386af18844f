import type { Config } from "../../config/schema.ts";
import { collectorOf } from "../../keep/collect/choose.ts";
import type { KeepState } from "../../keep/state.ts";
import type { Work } from "../../keep/work.ts";
import type { Log } from "../../observe/log.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Terminal } from "../terminal.ts";

type Entry = Config["registries"][number];

export interface WorkContext {
  readonly environment: Terminal["environment"];
  readonly state: KeepState;
  readonly log: Log;
  readonly now: () => number;
}

/** What a run that begins now does with a registry. */
export function workOf(entry: Entry, _config: Config, context: WorkContext): Work {
  const { environment, now } = context;
  const log = context.log.child({ registry: entry.name });
  return {
    prune: async () =>
      await Promise.reject(new RegistryError("UNAVAILABLE", { reason: "not joined yet" })),
    collect: collectorOf(entry, {
      environment,
      now,
      say: (facts, message) => log.warn(facts, message),
    }),
  };
}
