import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import { inParallel } from "../client/parallel.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { RetentionVerdict } from "../retention/verdict.ts";
import type { Decider } from "./decider.ts";
import { refusals } from "./limits.ts";
import { type DraftRepository, countActions, planRepository } from "./plan-repository.ts";
import { PolicyBudget } from "./policy-budget.ts";
import { type Footprint, PruneBytes } from "./prune-bytes.ts";
import type { PlannedRepository, PrunePlan, PruneTotals } from "./prune-plan.ts";
import type { PruneTarget } from "./prune-target.ts";
import { withReferrers } from "./with-referrers.ts";

/** What a plan is to be made of. */
export interface PruneWish {
  readonly target: PruneTarget;
  readonly decider: Decider;
  /** UTC milliseconds: what the time is. */
  readonly clock: () => number;
  /** Repositories that are read at once. */
  readonly concurrency: number;
  /** Which repositories somebody wants to have looked at; unset: all. */
  readonly wanted?: (name: RepositoryName, policy: RetentionPolicy) => boolean;
  /** Ends the planning between two repositories: it throws what `reason` of the signal is. */
  readonly stop?: AbortSignal;
  readonly progress?: (read: number) => void;
}

/** A plan, and what kept it from being a whole one. */
export interface MadePlan {
  readonly plan: PrunePlan;
  /** Repositories that are kept whole for want of knowledge: unreadable, not read, a source that failed. */
  readonly failures: number;
  /** Repositories that limits keep whole. */
  readonly refused: number;
}

/** So many repositories after each other that cannot be read: the registry is gone, and is not asked for the rest. */
const MOST_FAILURES = 8;

interface Draft extends DraftRepository {
  readonly footprint: Pick<Footprint, "gone">;
  readonly rule: RetentionPolicy | null;
}

interface Made {
  readonly draft: Draft;
  readonly footprint: Footprint;
}

/** What a budget over a policy has to wait for. */
interface Waiting {
  readonly budget: PolicyBudget;
  readonly drafts: Map<RepositoryName, Made>;
}

/**
 * Makes the plan of a registry: reads repository by repository, decides, and counts. Nothing is changed.
 *
 * What cannot be read is kept whole and counts as a failure; the others go on. Throws when the list of
 * repositories cannot be had, or none of them could be read: then nobody knows anything. In memory are the
 * repositories that are being read, what goes, and some bytes for each blob.
 */
export async function planPrune(wish: PruneWish): Promise<MadePlan> {
  const run = new Planning(wish);
  await run.read();
  await run.keepBudgets();
  return run.finish();
}

class Planning {
  readonly #wish: PruneWish;
  readonly #now: number;
  readonly #bytes = new PruneBytes();
  readonly #drafts: Draft[] = [];
  readonly #waiting = new Map<RetentionPolicy, Waiting>();
  readonly #warnings: string[] = [];
  #repositories = 0;
  #tags = 0;
  #read = 0;
  #failed = 0;
  #failedInARow = 0;
  #firstError: RegistryError | null = null;
  #removesTags = true;

  constructor(wish: PruneWish) {
    this.#wish = wish;
    this.#now = wish.clock();
  }

  async read(): Promise<void> {
    const { target, concurrency, stop, progress } = this.#wish;
    this.#removesTags = await target.removesTags();
    const reads = inParallel(target.repositories(), concurrency, (name) => this.#inventoryOf(name));
    for await (const read of reads) {
      stop?.throwIfAborted();
      if (read) this.#take(read);
      this.#repositories++;
      progress?.(this.#repositories);
    }
    if (this.#read === 0 && this.#firstError) throw this.#firstError;
  }

  /** Null: nothing of it can go, and nobody needs to know what it holds. */
  async #inventoryOf(
    name: RepositoryName,
    evicted?: ReadonlyMap<Tag, Digest>,
  ): Promise<Read | null> {
    const { target, decider, wanted = () => true, clock } = this.#wish;
    const rule = decider.policyOf(name);
    const asked = rule !== null && wanted(name, rule);
    if (!asked && target.registry.bytes === "estimated") return null;
    const read = { name, policy: asked ? rule : null };
    if (this.#failedInARow >= MOST_FAILURES) {
      return { ...read, fault: "it was not read, because the registry has gone" };
    }
    try {
      const found = await target.inventoryOf(name);
      const inventory = found && asked ? await this.#whole(found, evicted) : found;
      this.#failedInARow = 0;
      this.#read++;
      return inventory && { ...read, inventory, readAt: clock() };
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      this.#failedInARow++;
      this.#firstError ??= error;
      return { ...read, fault: `it could not be read: ${error.message}` };
    }
  }

  /** With the referrers of what goes, where the registry lists them only to those who ask. */
  async #whole(
    inventory: RetentionInventory,
    evicted?: ReadonlyMap<Tag, Digest>,
  ): Promise<RetentionInventory> {
    const { target, decider } = this.#wish;
    if (faultOf(inventory) !== null) return inventory;
    return await withReferrers(target, inventory, (whole) =>
      decider.decide(whole, stillNamed(whole, evicted)).manifests.map(({ digest }) => digest),
    );
  }

  #take(read: Read): void {
    const { name, policy } = read;
    if ("fault" in read) {
      this.#failed++;
      return this.#keepWhole(name, policy, 0, read.fault);
    }
    const { inventory, readAt } = read;
    const tags = inventory.tags.length;
    const footprint = this.#bytes.footprint(inventory, NOTHING);
    if (policy === null) return this.#bytes.settle(footprint);
    this.#tags += tags;
    const fault = faultOf(inventory) ?? this.#wish.decider.obstacleOf(policy);
    if (fault !== null) {
      this.#failed++;
      this.#bytes.settle(footprint);
      return this.#keepWhole(name, policy, tags, fault);
    }
    this.#decide(inventory, policy, readAt);
  }

  #decide(inventory: RetentionInventory, policy: RetentionPolicy, readAt: number): void {
    const { decider } = this.#wish;
    const verdict = decider.decide(inventory);
    const made = this.#draft(inventory, verdict, policy, readAt);
    if (policy.budget?.per !== "policy" || verdict.keptWhole !== null) {
      const { draft, footprint } = made;
      this.#bytes.settle(footprint);
      return this.#add(draft);
    }
    const waiting = this.#waiting.get(policy) ?? { budget: new PolicyBudget(), drafts: new Map() };
    this.#waiting.set(policy, waiting);
    waiting.budget.add(inventory, verdict, decider.evictable(inventory));
    waiting.drafts.set(inventory.name, made);
  }

  #draft(
    inventory: RetentionInventory,
    verdict: RetentionVerdict,
    rule: RetentionPolicy,
    readAt: number,
  ): Made {
    const how = { removesTags: this.#removesTags, readAt };
    const planned = planRepository(inventory, verdict, how);
    if (planned.keptWhole !== null) this.#failed++;
    const going = planned.actions.flatMap((one) =>
      one.action === "delete-manifest" ? [one.digest] : [],
    );
    const footprint = this.#bytes.footprint(inventory, new Set(going));
    return { draft: { ...planned, footprint: { gone: footprint.gone }, rule }, footprint };
  }

  /** Budgets over a policy are known when all of its repositories are: what they take is read and decided again. */
  async keepBudgets(): Promise<void> {
    const { concurrency, stop } = this.#wish;
    for (const [policy, { budget, drafts }] of this.#waiting) {
      const evicted = budget.choose(policy.budget?.size ?? Infinity);
      const work = inParallel(drafts, concurrency, async ([name, first]) => {
        const these = evicted.get(name);
        return these ? await this.#again(name, policy, these, first) : first;
      });
      for await (const { draft, footprint } of work) {
        stop?.throwIfAborted();
        this.#bytes.settle(footprint);
        this.#add(draft);
      }
    }
  }

  async #again(
    name: RepositoryName,
    policy: RetentionPolicy,
    evicted: ReadonlyMap<Tag, Digest>,
    first: Made,
  ): Promise<Made> {
    const read = await this.#inventoryOf(name, evicted);
    if (!read || "fault" in read || faultOf(read.inventory) !== null) {
      // It was readable a moment ago. What the rules alone decided about it stands.
      const why = read === null ? "it is gone" : "fault" in read ? read.fault : "it cannot be read";
      this.#warnings.push(`${name}: the budget of ${policy.name} takes nothing from it: ${why}`);
      return first;
    }
    const { inventory, readAt } = read;
    const verdict = this.#wish.decider.decide(inventory, stillNamed(inventory, evicted));
    return this.#draft(inventory, verdict, policy, readAt);
  }

  finish(): MadePlan {
    const { target, clock, wanted } = this.#wish;
    const refused = this.#refused(wanted !== undefined);
    for (const { repository, footprint } of this.#drafts) {
      if (refused.has(repository)) this.#bytes.refuse(footprint);
    }
    const repositories = this.#drafts
      .toSorted((a, b) => (a.repository < b.repository ? -1 : 1))
      .map((draft): PlannedRepository => {
        const { footprint, rule: _, ...planned } = draft;
        const reason = refused.get(draft.repository);
        if (reason === undefined) return { ...planned, bytes: this.#bytes.bytesOf(footprint) };
        const bytes = { freed: 0, shared: 0 };
        return { ...planned, keptWhole: reason, actions: [], kept: [], bytes };
      })
      .filter(
        ({ keptWhole, actions, kept }) => keptWhole !== null || actions.length + kept.length > 0,
      );
    if (this.#failed > 0) {
      this.#warnings.push(
        "what repositories hold that could not be read is not known, and may keep some of these bytes",
      );
    }
    const plan: PrunePlan = {
      schemaVersion: 1,
      kind: "prune",
      createdAt: this.#now,
      registry: target.registry,
      repositories,
      totals: this.#totals(repositories, (clock() - this.#now) / 1000),
      warnings: this.#warnings,
    };
    return { plan, failures: this.#failed, refused: refused.size };
  }

  #refused(scoped: boolean): ReadonlyMap<RepositoryName, string> {
    const wanted = this.#drafts.flatMap(({ repository, rule, tags, actions }) => {
      if (rule === null) return [];
      const { tags: deletedTags, untagged: deletedUntagged } = countActions(actions);
      return [{ repository, policy: rule, tags, deletedTags, deletedUntagged }];
    });
    return refusals(wanted, { tags: this.#tags, scoped });
  }

  #totals(repositories: readonly PlannedRepository[], seconds: number): PruneTotals {
    let deleted = 0;
    let manifests = 0;
    let freed = 0;
    let shared = 0;
    for (const { actions, bytes } of repositories) {
      const counts = countActions(actions);
      deleted += counts.tags;
      manifests += counts.manifests;
      freed += bytes.freed;
      shared += bytes.shared;
    }
    return {
      repositories: this.#repositories,
      tags: { all: this.#tags, deleted },
      manifests,
      bytes: { freed, shared },
      keptRepositories: repositories.flatMap(({ repository, keptWhole }) =>
        keptWhole === null ? [] : [{ repository, reason: keptWhole }],
      ),
      seconds,
    };
  }

  #keepWhole(
    repository: RepositoryName,
    rule: RetentionPolicy | null,
    tags: number,
    keptWhole: string,
  ): void {
    const policy = rule?.name ?? null;
    const nothing = { readAt: this.#now, actions: [], kept: [] };
    const footprint = { gone: new Int32Array() };
    this.#add({ repository, policy, rule, tags, keptWhole, ...nothing, footprint });
  }

  #add(draft: Draft): void {
    this.#drafts.push(draft);
  }
}

const NOTHING: ReadonlySet<never> = new Set<never>();

type Read = { readonly name: RepositoryName; readonly policy: RetentionPolicy | null } & (
  | { readonly inventory: RetentionInventory; readonly readAt: number }
  | { readonly fault: string }
);

/** Of evicted tags, those that name what they named when that was decided. */
function stillNamed(
  { tags }: RetentionInventory,
  evicted: ReadonlyMap<Tag, Digest> | undefined,
): ReadonlySet<Tag> | undefined {
  const same = evicted && tags.filter(({ tag, digest }) => evicted.get(tag) === digest);
  return same && new Set(same.map(({ tag }) => tag));
}

function faultOf({ unreadable }: RetentionInventory): string | null {
  const [first] = unreadable;
  if (!first) return null;
  const more = unreadable.length > 1 ? ` (and ${unreadable.length - 1} more)` : "";
  return `not all of it can be read: ${first.path}: ${first.problem}${more}`;
}
