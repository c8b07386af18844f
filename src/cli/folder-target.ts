import { resolve } from "node:path";
import { treeTarget } from "../gc/tree-target.ts";
import { RegistryError } from "../oci/errors.ts";
import { needsCreated } from "../plan/targets/needs-created.ts";
import { type Opened, readDecider } from "../plan/open-prune.ts";
import type { TargetContext } from "../plan/targets/opener.ts";
import type { RetentionPolicy } from "../retention/policy.ts";

/** Repositories that are looked at at once: all of it waits for one disk. */
const CONCURRENCY = 4;

/** The folder of a registry that no server of ours has open, not looked at yet. `policies`: null: none were given. */
export function folderTarget(
  folder: string,
  policies: readonly RetentionPolicy[] | null,
  context: TargetContext,
) {
  const place = resolve(folder);
  return {
    name: place,
    place,
    async open(): Promise<Opened> {
      if (policies === null) {
        const reason = `no server of ours has ${place} open, which could say its policies; give them with -c FILE`;
        throw new RegistryError("USAGE", { reason });
      }
      const { now, warn } = context;
      return {
        target: treeTarget({ folder: place, created: needsCreated(policies), now, warn }),
        decider: async (at) => await readDecider(policies, at, context),
        concurrency: CONCURRENCY,
      };
    },
  };
}
