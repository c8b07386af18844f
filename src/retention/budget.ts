import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { BlobAccount } from "./blob-account.ts";
import { type Candidate, candidatesIn } from "./budget-candidates.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { DecideContext } from "./facts.ts";
import type { RetentionVerdict } from "./verdict.ts";

interface Entry extends Candidate {
  readonly repository: RepositoryName;
  readonly holds: Holds;
  /** All of the repository. */
  readonly byNode: ReadonlyMap<number, Entry>;
}

/** How many still hold each manifest of a repository that could go: its own tags, and what leads to it. */
type Holds = Int32Array;

/**
 * What the repositories of one policy take together, and which of their images go, the oldest first, until
 * the rest fits. Each blob counts once, in however many repositories it is.
 *
 * Repositories are added one after the other, with what the rules decided; what stays of each in memory are
 * the digests of its blobs and the images that could go. `settle` says what the budget takes: those
 * repositories are then decided again, with `overBudget`.
 *
 * Only whole digests go, so the bytes are those of the plan. An image that keep rules keep, whose time is
 * not known, or that is needed by one that stays is no candidate; neither is one that would free nothing.
 */
export class BudgetLedger {
  readonly #policy: CompiledPolicy;
  readonly #account = new BlobAccount();
  readonly #entries: Entry[] = [];
  /** Who is older than what nobody knows the last use of, at the least. */
  #notAfter = Infinity;

  /** Throws TypeError for a policy without a budget. */
  constructor(policy: CompiledPolicy) {
    if (policy.settings.budget === undefined) throw new TypeError(`${policy.name} has no budget`);
    this.#policy = policy;
  }

  /** Bytes that stay, as far as is decided. */
  get bytes(): number {
    return this.#account.bytes;
  }

  /** Each repository of the policy once, with the verdict of its rules. */
  add(inventory: RetentionInventory, verdict: RetentionVerdict, context: DecideContext): void {
    const found = candidatesIn(inventory, verdict, this.#policy, context);
    const { pinned, candidates, nodes } = found;
    this.#notAfter = Math.min(this.#notAfter, found.notAfter);
    for (const manifest of pinned) this.#account.pin(manifest);
    const holds = new Int32Array(nodes.length);
    for (const { manifest, leadsTo } of nodes) {
      this.#account.hold(manifest);
      for (const next of leadsTo) holds[next] = (holds[next] ?? 0) + 1;
    }
    const byNode = new Map<number, Entry>();
    for (const candidate of candidates) {
      const { node } = candidate;
      holds[node] = (holds[node] ?? 0) + 1;
      const entry = { ...candidate, repository: inventory.name, holds, byNode };
      byNode.set(node, entry);
      this.#entries.push(entry);
    }
  }

  /** Tags that go besides those that rules let go, by their repository. To be asked once, at the end. */
  settle(): ReadonlyMap<RepositoryName, ReadonlySet<Tag>> {
    const over = new Map<RepositoryName, Set<Tag>>();
    const size = this.#policy.settings.budget?.size ?? Infinity;
    const waiting = new Set<Entry>();
    const take = (first: Entry): void => {
      // What was in the way of an older one may have gone by now: such a one is next.
      const next = [first];
      for (let entry = next.pop(); entry && this.bytes > size; entry = next.pop()) {
        const freed = this.#take(entry, over);
        if (freed === null) waiting.add(entry);
        else {
          waiting.delete(entry);
          next.push(...openedBy(freed, entry).filter((one) => waiting.has(one)));
        }
      }
    };
    for (const entry of this.#entries.toSorted(byAge)) {
      if (this.bytes <= size) break;
      if (entry.time <= this.#notAfter) take(entry);
    }
    for (let before = Infinity; this.bytes > size && this.bytes < before;) {
      before = this.bytes;
      for (const entry of waiting) take(entry);
    }
    return over;
  }

  /** Lets an image go, and says which nodes went. Null: something that stays so far leads to it, or it would free nothing. */
  #take(entry: Entry, over: Map<RepositoryName, Set<Tag>>): readonly number[] | null {
    const { repository, tags, node, nodes, holds } = entry;
    if (holds[node] !== 1) return null;
    const freed = freedWith(node, nodes, holds);
    const helps = freed.some((at) => {
      const manifest = nodes[at]?.manifest;
      return manifest !== undefined && this.#account.isFreeable(manifest);
    });
    if (!helps) {
      holds[node] = 1;
      for (const at of freed) {
        for (const next of nodes[at]?.leadsTo ?? []) holds[next] = (holds[next] ?? 0) + 1;
      }
      return null;
    }
    for (const at of freed) {
      const manifest = nodes[at]?.manifest;
      if (manifest !== undefined) this.#account.release(manifest);
    }
    const known = over.get(repository);
    if (known === undefined) over.set(repository, new Set(tags));
    else for (const tag of tags) known.add(tag);
    return freed;
  }
}

/** The images that only their own tags hold, now that those before them are gone; the newest first. */
function openedBy(freed: readonly number[], { nodes, holds, byNode }: Entry): readonly Entry[] {
  const open = new Set<Entry>();
  for (const at of freed) {
    for (const next of nodes[at]?.leadsTo ?? []) {
      const entry = holds[next] === 1 ? byNode.get(next) : undefined;
      if (entry !== undefined) open.add(entry);
    }
  }
  return [...open].toSorted((a, b) => byAge(b, a));
}

/** What nobody holds once this one is let go; their holds are taken off. */
function freedWith(node: number, nodes: Candidate["nodes"], holds: Holds): readonly number[] {
  const freed: number[] = [];
  const waiting = [node];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    holds[at] = (holds[at] ?? 0) - 1;
    if (holds[at] !== 0) continue;
    freed.push(at);
    waiting.push(...(nodes[at]?.leadsTo ?? []));
  }
  return freed;
}

/** The oldest first, and never by the order in which they came. */
function byAge(a: Entry, b: Entry): number {
  return (
    a.time - b.time ||
    compareText(a.repository, b.repository) ||
    compareText(a.tags[0] ?? "", b.tags[0] ?? "")
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The tags that the budget of one repository takes besides what its rules let go. Pure. */
export function overRepositoryBudget(
  inventory: RetentionInventory,
  verdict: RetentionVerdict,
  policy: CompiledPolicy,
  context: DecideContext,
): ReadonlySet<Tag> {
  const ledger = new BudgetLedger(policy);
  ledger.add(inventory, verdict, context);
  return ledger.settle().get(inventory.name) ?? new Set();
}
