import { RegistryError } from "../../oci/errors.ts";
import type { PruneTarget } from "../prune-target.ts";
import { openHarbor } from "./harbor-target.ts";
import { openApiTarget } from "./open-api.ts";
import { openOwnTarget } from "./open-own.ts";
import type { Opener, RegistrySettings, TargetContext } from "./opener.ts";

export type { RegistrySettings, TargetContext } from "./opener.ts";

/**
 * The kinds of registries, in the order in which `auto` asks: the first that says yes. `oci` is any
 * registry, and never says no.
 */
const OPENERS: readonly {
  readonly type: RegistrySettings["type"] | "own";
  readonly open: Opener;
}[] = [
  { type: "own", open: openOwnTarget },
  { type: "harbor", open: openHarbor },
  { type: "oci", open: openApiTarget },
];

/** Opens a registry elsewhere, or one of ours, to plan and apply on. Throws REMOTE, CREDENTIALS, USAGE. */
export async function openRegistryTarget(
  settings: RegistrySettings,
  context: TargetContext,
): Promise<PruneTarget> {
  for (const { type, open } of OPENERS) {
    if (settings.type !== "auto" && settings.type !== type) continue;
    const target = await open(settings, context);
    if (target) return target;
  }
  const what = settings.type === "auto" ? "a registry" : settings.type;
  throw new RegistryError("REMOTE", { reason: `${settings.url} does not answer as ${what} does` });
}
