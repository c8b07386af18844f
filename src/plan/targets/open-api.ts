import { openRegistry } from "../../client/open-registry.ts";
import { factsFile, openFactsCache } from "../../inventory/api/facts-cache.ts";
import type { PruneTarget } from "../prune-target.ts";
import { apiTarget } from "./api-target.ts";
import type { RegistrySettings, TargetContext } from "./opener.ts";

/** Any OCI registry, as it is configured. Nothing is asked yet. Throws USAGE for an address, CA or proxy that is none. */
export async function openApiTarget(
  settings: RegistrySettings,
  { environment, state, times, created, now, warn }: TargetContext,
): Promise<PruneTarget> {
  const { name, repositories = null, concurrency, replaceTags } = settings;
  const connection = openRegistry(settings, { environment });
  const { origin } = connection.address;
  const file = factsFile(state, environment);
  return apiTarget({
    name,
    connection,
    cache: openFactsCache({ file, origin, warn, now }),
    times: times?.(name) ?? null,
    created: created ?? true,
    now,
    repositories,
    concurrency,
    replaceTags,
    warn,
  });
}
