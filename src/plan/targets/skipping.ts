import type { PruneTarget } from "../prune-target.ts";

/**
 * The same registry without the first of its repositories, as somebody wants it who has done these already.
 * A single one can still be asked for by its name.
 */
export function skipping(target: PruneTarget, count: number): PruneTarget {
  return {
    ...target,
    async *repositories() {
      let left = count;
      for await (const name of target.repositories()) {
        if (left > 0) left--;
        else yield name;
      }
    },
  };
}
