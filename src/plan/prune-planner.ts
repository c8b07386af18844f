import { inParallel } from "../client/parallel.ts";
import type { RetentionTag } from "../inventory/retention-inventory.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { Ledger } from "./decider.ts";
import { refusals } from "./limits.ts";
import {
  type DraftRepository,
  countActions,
  hasLoneTags,
  planRepository,
} from "./plan-repository.ts";
import { type Footprint, PruneBytes } from "./prune-bytes.ts";
import type { PlannedRepository, PrunePlan, PruneTotals } from "./prune-plan.ts";
import { type Decided, type ReaderOptions, RepositoryReader } from "./repository-reader.ts";
import { clockTrouble, goesByAge } from "./wrong-clock.ts";

/** What a plan is to be made of. `wanted`: which repositories somebody wants to have looked at; unset: all. */
export interface PruneWish extends ReaderOptions {
  /** Repositories that are read at once. */
  readonly concurrency: number;
  /** Ends the planning between two repositories: it throws what `reason` of the signal is. */
  readonly stop?: AbortSignal;
  readonly progress?: (read: number) => void;
}

/** A plan, and what kept it from being a whole one. */
export interface MadePlan {
  readonly plan: PrunePlan;
  /** Repositories that are kept whole for want of knowledge: unreadable, not read, a source that failed. */
  readonly failures: number;
  /** Repositories that limits, or clocks that do not agree, keep whole. */
  readonly refused: number;
}

interface Draft extends DraftRepository {
  readonly footprint: Pick<Footprint, "gone">;
  readonly rule: RetentionPolicy | null;
}

interface Made {
  readonly draft: Draft;
  readonly footprint: Footprint;
}

/** A repository whose plan waits for a budget over all of its policy. */
interface Waiting extends Made {
  readonly tags: readonly RetentionTag[];
}

/**
 * Makes the plan of a registry: reads repository by repository, decides, and counts. Nothing is changed.
 *
 * What cannot be read is kept whole and counts as a failure; the others go on. Throws when the list of
 * repositories cannot be had, or none of them could be read. In memory are the repositories that are being
 * read, what goes, and some bytes for each blob (under a budget over a policy, what its images are, too).
 */
export async function planPrune(wish: PruneWish): Promise<MadePlan> {
  const run = new Planning(wish);
  await run.read();
  await run.keepBudgets();
  return run.finish();
}

class Planning {
  readonly #wish: PruneWish;
  readonly #reader: RepositoryReader;
  readonly #now: number;
  readonly #bytes = new PruneBytes();
  readonly #drafts: Draft[] = [];
  readonly #ledgers = new Map<RetentionPolicy, Ledger | null>();
  readonly #waiting = new Map<RepositoryName, Waiting>();
  readonly #warnings: string[] = [];
  #removesTags: Promise<boolean> | null = null;
  /** Those that a policy is about. */
  #repositories = 0;
  #tags = 0;
  #failures = 0;

  constructor(wish: PruneWish) {
    this.#wish = wish;
    this.#reader = new RepositoryReader(wish);
    this.#now = wish.clock();
  }

  async read(): Promise<void> {
    const { target, concurrency, stop, progress } = this.#wish;
    const reads = inParallel(target.repositories(), concurrency, (name) => this.#reader.read(name));
    let looked = 0;
    for await (const read of reads) {
      stop?.throwIfAborted();
      if (read && read.kind !== "stays") this.#repositories++;
      if (read?.kind === "unread") this.#keepUnread(read.name, read.policy, read.reason);
      else if (read?.kind === "stays") {
        this.#bytes.settle(this.#bytes.footprint(read.inventory, new Set()));
      } else if (read) await this.#take(read);
      progress?.(++looked);
    }
    this.#reader.refuseNothing();
  }

  async #take(decided: Decided): Promise<void> {
    const { policy, inventory, verdict } = decided;
    this.#tags += inventory.tags.length;
    const made = await this.#draft(decided);
    const ledger = verdict.keptWhole === null ? this.#ledgerOf(policy) : null;
    if (!ledger) return this.#settle(made);
    ledger.add(inventory, verdict);
    this.#waiting.set(inventory.name, { ...made, tags: inventory.tags });
  }

  #ledgerOf(policy: RetentionPolicy): Ledger | null {
    const known = this.#ledgers.get(policy);
    if (known !== undefined) return known;
    const ledger = this.#wish.decider.ledger(policy);
    this.#ledgers.set(policy, ledger);
    return ledger;
  }

  async #draft({ inventory, verdict, policy: rule, readAt }: Decided): Promise<Made> {
    const removesTags = !hasLoneTags(verdict) || (await this.#canRemoveTags());
    const planned = planRepository(inventory, verdict, { removesTags, readAt });
    const going = planned.actions.flatMap((one) =>
      one.action === "delete-manifest" ? [one.digest] : [],
    );
    const footprint = this.#bytes.footprint(inventory, new Set(going));
    return { draft: { ...planned, footprint: { gone: footprint.gone }, rule }, footprint };
  }

  /** Asked only when it matters: the registry may have to be tried. */
  async #canRemoveTags(): Promise<boolean> {
    this.#removesTags ??= this.#wish.target.removesTags().catch((error: unknown) => {
      if (!(error instanceof RegistryError)) throw error;
      this.#warnings.push(`whether single tags can be removed is not known: ${error.message}`);
      return true;
    });
    return await this.#removesTags;
  }

  /** Budgets over a policy are known when all of its repositories are; what they take is read and decided again. */
  async keepBudgets(): Promise<void> {
    const over = new Map<RepositoryName, ReadonlySet<Tag>>();
    for (const ledger of this.#ledgers.values()) {
      for (const [name, tags] of ledger?.settle() ?? []) over.set(name, tags);
    }
    const work = inParallel(this.#waiting, this.#wish.concurrency, async ([name, first]) => {
      const tags = over.get(name);
      return tags ? await this.#again(name, tags, first) : first;
    });
    for await (const made of work) {
      this.#wish.stop?.throwIfAborted();
      this.#settle(made);
    }
    this.#waiting.clear();
  }

  async #again(name: RepositoryName, over: ReadonlySet<Tag>, first: Waiting): Promise<Made> {
    const before = new Map(first.tags.map(({ tag, digest }) => [tag, digest]));
    const read = await this.#reader.read(name, ({ tags }) => {
      // What a tag names by now, the budget has not seen.
      const same = tags.filter(({ tag, digest }) => over.has(tag) && before.get(tag) === digest);
      return new Set(same.map(({ tag }) => tag));
    });
    if (read?.kind === "decided" && read.verdict.keptWhole === null) return await this.#draft(read);
    // It was readable a moment ago. What the rules alone decided about it stands.
    const why = read?.kind === "unread" ? read.reason : "it is not as it was a moment ago";
    this.#warnings.push(`the budget takes nothing from ${name}: ${why}`);
    return first;
  }

  #settle({ draft, footprint }: Made): void {
    if (draft.keptWhole !== null) this.#failures++;
    this.#bytes.settle(footprint);
    this.#drafts.push(draft);
  }

  #keepUnread(repository: RepositoryName, rule: RetentionPolicy | null, keptWhole: string): void {
    this.#failures++;
    const nothing = { tags: 0, readAt: this.#now, actions: [], kept: [], orphaned: [] };
    const footprint = { gone: new Int32Array() };
    const policy = rule?.name ?? null;
    this.#drafts.push({ repository, policy, rule, keptWhole, ...nothing, footprint });
  }

  finish(): MadePlan {
    const refused = this.#refused();
    for (const { repository, footprint } of this.#drafts) {
      if (refused.has(repository)) this.#bytes.refuse(footprint);
    }
    const repositories = this.#drafts
      .toSorted((a, b) => (a.repository < b.repository ? -1 : 1))
      .map((draft) => this.#planned(draft, refused.get(draft.repository) ?? null))
      .filter(
        ({ keptWhole, actions, kept }) => keptWhole !== null || actions.length + kept.length > 0,
      );
    if (this.#failures > 0) {
      this.#warnings.push(
        "what could not be read may keep some of the bytes that are counted as freed",
      );
    }
    const { target, clock } = this.#wish;
    const plan: PrunePlan = {
      schemaVersion: 1,
      kind: "prune",
      createdAt: this.#now,
      registry: target.registry,
      repositories,
      totals: this.#totals(repositories, (clock() - this.#now) / 1000),
      warnings: this.#warnings,
    };
    return { plan, failures: this.#failures, refused: refused.size };
  }

  #planned(draft: Draft, reason: string | null): PlannedRepository {
    const { footprint, rule: _, ...planned } = draft;
    if (reason === null) return { ...planned, bytes: this.#bytes.bytesOf(footprint) };
    const bytes = { freed: 0, shared: 0 };
    return { ...planned, keptWhole: reason, actions: [], kept: [], orphaned: [], bytes };
  }

  #refused(): ReadonlyMap<RepositoryName, string> {
    const untimely = this.#untimely();
    const wanted = this.#drafts.flatMap(({ repository, rule, tags, actions }) => {
      if (rule === null || untimely.has(repository)) return [];
      const { tags: deletedTags, untagged: deletedUntagged } = countActions(actions);
      return [{ repository, policy: rule, tags, deletedTags, deletedUntagged }];
    });
    const all = { tags: this.#tags, scoped: this.#wish.wanted !== undefined };
    return new Map([...untimely, ...refusals(wanted, all)]);
  }

  /** Asked at the end: by then the registry has told its time, if it ever does. */
  #untimely(): ReadonlyMap<RepositoryName, string> {
    const reason = clockTrouble(this.#wish.target.clock?.() ?? null);
    if (reason === null) return new Map();
    const those = this.#drafts.filter(
      ({ rule, keptWhole }) => rule !== null && keptWhole === null && goesByAge(rule),
    );
    return new Map(those.map(({ repository }) => [repository, reason]));
  }

  #totals(repositories: readonly PlannedRepository[], seconds: number): PruneTotals {
    const sum = (of: (one: PlannedRepository) => number): number =>
      repositories.reduce((total, one) => total + of(one), 0);
    return {
      repositories: this.#repositories,
      tags: { all: this.#tags, deleted: sum(({ actions }) => countActions(actions).tags) },
      manifests: sum(({ actions }) => countActions(actions).manifests),
      bytes: { freed: sum(({ bytes }) => bytes.freed), shared: sum(({ bytes }) => bytes.shared) },
      keptRepositories: repositories.flatMap(({ repository, keptWhole }) =>
        keptWhole === null ? [] : [{ repository, reason: keptWhole }],
      ),
      seconds,
    };
  }
}
