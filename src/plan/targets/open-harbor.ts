import { recognizeHarbor } from "../../client/harbor.ts";
import { openRegistry } from "../../client/open-registry.ts";
import { parseName } from "../../oci/name.ts";
import type { PruneTarget } from "../prune-target.ts";
import { openHarborTarget } from "./harbor-target.ts";
import type { RegistrySettings, TargetContext } from "./opener.ts";

/** A Harbor, through its own API. Null: it is none. */
export async function openIfHarbor(
  settings: RegistrySettings,
  { environment }: TargetContext,
): Promise<PruneTarget | null> {
  const connection = openRegistry(settings, { environment });
  // Who says that it is one wants to hear why it does not answer as one.
  if (settings.type === "auto" && (await recognizeHarbor(connection)) === null) return null;
  const repositories = settings.repositories?.map((name) => parseName(name)) ?? null;
  return await openHarborTarget(connection, { name: settings.name, repositories });
}
