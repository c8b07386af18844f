import type { Config } from "../../config/schema.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { PruneTarget } from "../prune-target.ts";

/** One entry of `registries:`. */
export type RegistrySettings = Config["registries"][number];

/** What a registry needs of the process that opens it. */
export interface TargetContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * The folder of what is remembered between runs (first and last times of tags, facts); null: there is
   * none, and a cache goes where the user's caches are.
   */
  readonly state: string | null;
  readonly now: () => number;
  /** Says something that a person should hear, once. */
  readonly warn: (line: string) => void;
}

/** How a kind of registry is opened. Null: the registry at this address is not of this kind. */
export type Opener = (
  settings: RegistrySettings,
  context: TargetContext,
) => Promise<PruneTarget | null>;

/**
 * The kinds of registries, in the order in which `auto` asks: the first that says yes. `oci` is any
 * registry, and never says no.
 */
const OPENERS: readonly {
  readonly type: RegistrySettings["type"] | "own";
  readonly open: Opener;
}[] = [];

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
