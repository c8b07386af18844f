import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { RetentionVerdict } from "../retention/verdict.ts";
import type { Decider } from "./decider.ts";
import { GivingUp } from "./give-up.ts";
import type { PruneTarget } from "./prune-target.ts";
import { withInUse } from "./with-in-use.ts";
import { withReferrers } from "./with-referrers.ts";

/** What reading a repository, and deciding about it, has come to. */
export type ReadRepository = Decided | NotAsked | Unread;

export interface Decided {
  readonly kind: "decided";
  readonly policy: RetentionPolicy;
  /** With the referrers of what goes. */
  readonly inventory: RetentionInventory;
  readonly verdict: RetentionVerdict;
  /** UTC milliseconds. */
  readonly readAt: number;
}

/** No policy is about it, or nobody wants to know: it counts only as what keeps blobs. */
interface NotAsked {
  readonly kind: "stays";
  readonly inventory: RetentionInventory;
}

interface Unread {
  readonly kind: "unread";
  readonly name: RepositoryName;
  readonly policy: RetentionPolicy | null;
  readonly reason: string;
}

export interface ReaderOptions {
  readonly target: PruneTarget;
  readonly decider: Decider;
  readonly clock: () => number;
  readonly wanted?: (name: RepositoryName, policy: RetentionPolicy) => boolean;
}

/** Reads repositories and decides about them. One that cannot be read is an answer, not an error. */
export class RepositoryReader {
  readonly #options: ReaderOptions;
  #read = 0;
  readonly #givingUp = new GivingUp();
  #first: RegistryError | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Throws the first error when all there was has failed: then nobody knows anything. */
  refuseNothing(): void {
    if (this.#read === 0 && this.#first) throw this.#first;
  }

  /** Null: it is not there, or nothing of it can go and nobody needs to know what it holds. */
  async read(
    name: RepositoryName,
    overBudget?: (inventory: RetentionInventory) => ReadonlySet<Tag>,
  ): Promise<ReadRepository | null> {
    const { target, decider, wanted = () => true } = this.#options;
    const matching = decider.policyOf(name);
    const policy = matching && wanted(name, matching) ? matching : null;
    if (policy === null && target.registry.bytes === "estimated") return null;
    if (this.#givingUp.because) {
      const reason = "it was not read, because the registry has failed again and again";
      return { kind: "unread", name, policy, reason };
    }
    try {
      const read = await this.#readAnd(name, policy, overBudget);
      this.#givingUp.answered();
      this.#read++;
      return read;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      this.#givingUp.failed(error);
      this.#first ??= error;
      return { kind: "unread", name, policy, reason: `it could not be read: ${error.message}` };
    }
  }

  async #readAnd(
    name: RepositoryName,
    policy: RetentionPolicy | null,
    overBudget: ((inventory: RetentionInventory) => ReadonlySet<Tag>) | undefined,
  ): Promise<Decided | NotAsked | null> {
    const { target, decider, clock } = this.#options;
    // Before it is read: what is pushed meanwhile need not have been seen.
    const began = clock();
    const found = await target.inventoryOf(name);
    if (!found) return null;
    const readAt = lastSeen(found, began, clock());
    if (policy === null) return { kind: "stays", inventory: found };
    const over = overBudget?.(found);
    const seen = await withInUse(target, found, decider.inUseOf(name));
    let verdict = decider.decide(seen, over);
    const inventory = await withReferrers(target, seen, (whole) => {
      verdict = decider.decide(whole, over);
      return verdict.manifests.map(({ digest }) => digest);
    });
    return { kind: "decided", policy, inventory, verdict, readAt };
  }
}

/**
 * Up to when pushes were seen. A tag of which nobody knows when it was pushed counts as pushed when it is first
 * seen, which is now, and after the beginning.
 */
function lastSeen({ tags }: RetentionInventory, began: number, now: number): number {
  return tags.reduce((last, { pushedAt }) => {
    return pushedAt !== null && pushedAt <= now ? Math.max(last, pushedAt) : last;
  }, began);
}
