import { RegistryError } from "../oci/errors.ts";
import type { InUse } from "../retention/in-use.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import { type Decider, deciderOf, sourcesOf } from "./decider.ts";
import { inUseOf } from "./in-use.ts";
import type { PruneTarget } from "./prune-target.ts";
import { type RegistrySettings, type TargetContext, openRegistryTarget } from "./targets/open.ts";
import { needsCreated } from "./targets/needs-created.ts";
import { skipping } from "./targets/skipping.ts";
import { withTree } from "./targets/with-tree.ts";

/** A registry to plan for and to apply on, with what is in force for it. */
export interface Opened {
  readonly target: PruneTarget;
  /** Decides by the policies that are in force, and by what is in use now. */
  readonly decider: (now: number) => Promise<Decider>;
  /** Repositories that are read or changed at once. */
  readonly concurrency: number;
}

/** A registry of `registries:`, with those of the policies that apply to it. Throws REMOTE, CREDENTIALS, USAGE. */
export async function openPrune(
  settings: RegistrySettings,
  retention: readonly RetentionPolicy[],
  context: TargetContext,
): Promise<Opened> {
  const policies = policiesFor(settings, retention);
  const created = needsCreated(policies);
  const opened = await openRegistryTarget(settings, { ...context, created });
  const { tree, skip = 0 } = settings;
  const target = tree === undefined ? opened : withTree(opened, tree, { created });
  return {
    target: skip === 0 ? target : skipping(target, skip),
    decider: async (now) => await readDecider(policies, now, context),
    concurrency: settings.concurrency,
  };
}

/** Those that the registry goes by, in the order of the configuration. Pure. */
function policiesFor(
  { policies: names }: RegistrySettings,
  retention: readonly RetentionPolicy[],
): readonly RetentionPolicy[] {
  return names ? retention.filter(({ name }) => names.includes(name)) : retention;
}

/** Reads what is in use, once, and decides with that. Never throws: what cannot be read keeps. */
export async function readDecider(
  policies: readonly RetentionPolicy[],
  now: number,
  { environment, warn }: Pick<TargetContext, "environment" | "warn">,
): Promise<Decider> {
  const inUse = await inUseOf(sourcesOf(policies), { environment }, warn);
  return deciderOf(policies, { now, inUse });
}

/**
 * By policies that a registry has told of. Their sources of images in use are not read here: they are meant
 * for its machine, and may be commands, which nobody lets another machine choose. Throws REMOTE.
 */
export function foreignDecider(policies: readonly RetentionPolicy[], now: number): Decider {
  const inUse: InUse = {
    failure: (sources) =>
      `${sources.join(", ")} is read by the registry itself: let that prune, or give its configuration with -c`,
    find: () => null,
  };
  try {
    return deciderOf(policies, { now, inUse });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const reason = `it tells of policies that are none: ${error.message}`;
    throw new RegistryError("REMOTE", { reason });
  }
}
