import { isDeepStrictEqual } from "node:util";
import type { Loaded } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { Keepers } from "../../keep/keepers.ts";
import type { KeepMetrics } from "../../keep/metrics.ts";
import type { Log } from "../../observe/log.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Terminal } from "../terminal.ts";
import { demandUsable, remarks } from "./check.ts";

/** The configuration that counts, for runs that begin now. */
export interface KeepInForce {
  config: Config;
}

interface Reloading {
  readonly inForce: KeepInForce;
  readonly keepers: Keepers;
  readonly metrics: KeepMetrics;
  readonly log: Log;
  readonly environment: Terminal["environment"];
}

/**
 * Reads the configuration again and goes by it, or by none of it. A run that goes on ends by the one it
 * began with. Never throws.
 */
export function reloadKeep(
  { inForce, keepers, metrics, log, environment }: Reloading,
  load: () => Loaded,
): void {
  try {
    const { config, warnings } = load();
    demandUsable(config, environment);
    const { keep: before } = inForce.config;
    for (const key of ["password", "eventToken"] as const) {
      if (before[key] === undefined || config.keep[key] !== undefined) continue;
      const reason = `keep.${key}: it was set, and is not any more; restart if nobody shall need it`;
      throw new RegistryError("CONFIG_INVALID", { reason });
    }
    const waiting = (["listen", "state"] as const).filter(
      (key) => !isDeepStrictEqual(before[key], config.keep[key]),
    );
    // Where it listens decides whom it believes, and the state is locked and open where it is.
    const { listen, state } = before;
    inForce.config = { ...config, keep: { ...config.keep, listen, state } };
    log.level = config.log.level;
    keepers.follow(config.registries);
    metrics.reloaded("applied");
    for (const warning of [...warnings, ...remarks(config)]) log.warn(warning);
    log.info({ registries: config.registries.length }, "the configuration was read again");
    if (waiting.length > 0) {
      const settings = waiting.map((key) => `keep.${key}`);
      log.warn({ settings }, "changed, but only a restart applies it");
    }
  } catch (error) {
    metrics.reloaded("refused");
    const reason = (error as Error).message;
    log.error({ reason }, "the new configuration cannot be used; all goes on as before");
  }
}
