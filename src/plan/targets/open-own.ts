import { retentionSettings } from "../../client/inventory.ts";
import { openRegistry } from "../../client/open-registry.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { PruneTarget } from "../prune-target.ts";
import type { RegistrySettings, TargetContext } from "./opener.ts";
import { ownTarget } from "./own.ts";

/**
 * A running registry of ours. Null: it is none, or who asks is none of its administrators; as any other
 * registry it can be pruned all the same. Throws REMOTE.
 */
export async function openOwnTarget(
  settings: RegistrySettings,
  { environment, created = true }: TargetContext,
): Promise<PruneTarget | null> {
  const connection = openRegistry(settings, { environment });
  try {
    if ((await retentionSettings(connection)) === null) return null;
  } catch (error) {
    const unknown =
      error instanceof RegistryError && ["CREDENTIALS", "DENIED"].includes(error.kind);
    if (unknown) return null;
    throw error;
  }
  return ownTarget({ connection, name: settings.name, created });
}
