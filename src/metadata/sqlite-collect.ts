import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { CollectPolicy, Collected, KeptBecause, ReviewItem } from "./collection.ts";
import { type Garbage, MANIFEST_SINCE, type Removal } from "./sqlite-garbage.ts";

/** As the body of a transaction that is open: see `collect` in collection.ts. */
export function sqliteCollect(
  db: Database,
  garbage: Garbage,
): (items: readonly ReviewItem[], policy: CollectPolicy) => Collected {
  const sql = statements(db);
  return (items, policy) => new Collection(sql, garbage, policy).collect(items);
}

/**
 * One collection of some items. It looks upwards from each: to the manifests that name it, whatever they
 * take it for, and to its subject, until it finds a root. So the cost is that of what is looked at, not of
 * the repository.
 *
 * When there is none, all that was looked at is garbage, not only the item: whatever keeps one of them
 * would keep the item, too. They go together, those that need before those that are needed.
 */
class Collection {
  readonly #manifests: { name: RepositoryName; digest: Digest }[] = [];
  readonly #links: { name: RepositoryName; digest: Digest }[] = [];
  readonly #kept = {
    tagged: 0,
    needed: 0,
    young: 0,
    protected: 0,
    waiting: 0,
    unreadable: 0,
    gone: 0,
  };
  readonly #protected: ReadonlySet<Digest>;
  /** Kept by something above them: a root stays one for as long as this collection takes. */
  readonly #needed = new Set<string>();
  readonly #emptied = new Map<number, RepositoryName>();
  readonly #unreadable = new Map<number, boolean>();

  constructor(
    readonly sql: Statements,
    readonly garbage: Garbage,
    readonly policy: CollectPolicy,
  ) {
    this.#protected = new Set(policy.protectedDigests);
  }

  collect(items: readonly ReviewItem[]): Collected {
    for (const item of items) {
      const reason = this.#judge(item);
      if (reason) this.#kept[reason]++;
    }
    const repositories: RepositoryName[] = [];
    for (const [id, name] of this.#emptied) {
      if (!this.policy.removeEmpty) this.sql.unreview.run({ id, kind: "repository", digest: "" });
      else if (this.garbage.dropIfEmpty(id, name)) repositories.push(name);
    }
    return { manifests: this.#manifests, links: this.#links, repositories, kept: this.#kept };
  }

  /** Null: it went. */
  #judge(item: ReviewItem): KeptBecause | null {
    const id = this.sql.repository.get({ name: item.name })?.id;
    if (id === undefined) return "gone";
    if (this.#isUnreadable(id)) {
      const digest = item.kind === "repository" ? "" : item.digest;
      this.sql.unreview.run({ id, kind: item.kind, digest });
      return "unreadable";
    }
    switch (item.kind) {
      case "manifest":
        return this.#manifest(id, item.name, item.digest);
      case "link":
        return this.#link(id, item.name, item.digest);
      case "repository":
        this.sql.unreview.run({ id, kind: item.kind, digest: "" });
        this.#emptied.set(id, item.name);
        return null;
    }
  }

  #isUnreadable(id: number): boolean {
    const known = this.#unreadable.get(id) ?? this.garbage.isUnreadable(id);
    this.#unreadable.set(id, known);
    return known;
  }

  #manifest(id: number, name: RepositoryName, digest: Digest): KeptBecause | null {
    const facts = this.sql.manifest.get({ id, digest });
    const own = facts ? this.#rootBecause(digest, facts) : "gone";
    if (own) return this.#keep(id, "manifest", digest, own, facts?.since ?? 0);
    const doomed = this.#above(id, digest);
    if (!doomed) return this.#keep(id, "manifest", digest, "needed", 0);
    for (const { digest: gone, reason } of doomed) {
      this.garbage.dropManifest(id, name, gone, this.#removal(reason));
      this.#manifests.push({ name, digest: gone });
    }
    this.#emptied.set(id, name);
    return null;
  }

  #link(id: number, name: RepositoryName, digest: Digest): KeptBecause | null {
    const { seenBefore, waitingUntil } = this.policy;
    const facts = this.sql.link.get({ id, digest });
    if (!facts) return this.#keep(id, "link", digest, "gone", 0);
    const keep = (reason: KeptBecause): KeptBecause =>
      this.#keep(id, "link", digest, reason, facts.seenAt);
    // By any manifest that is there: were that one garbage, the link comes up again when it goes.
    if (this.sql.neededBy.get({ id, digest })) return keep("needed");
    if (this.#protected.has(digest)) return keep("protected");
    if (waitingUntil !== null && facts.linkedAt <= waitingUntil) return keep("waiting");
    if (facts.seenAt >= seenBefore) return keep("young");
    this.garbage.dropLink(id, name, digest, this.#removal("no manifest names it"));
    this.#links.push({ name, digest });
    this.#emptied.set(id, name);
    return null;
  }

  #keep(
    id: number,
    kind: "manifest" | "link",
    digest: Digest,
    reason: KeptBecause,
    since: number,
  ): KeptBecause {
    if (reason === "young") this.sql.postpone.run({ id, kind, digest, since });
    else if (reason === "protected") {
      this.sql.postpone.run({ id, kind, digest, since: this.policy.now });
    } else this.sql.unreview.run({ id, kind, digest });
    return reason;
  }

  /** Why a manifest is a root; null when it is none. */
  #rootBecause(digest: Digest, facts: Facts): KeptBecause | null {
    const { seenBefore, untaggedBefore, waitingUntil } = this.policy;
    if (facts.tagged) return "tagged";
    if (this.#protected.has(digest)) return "protected";
    if (waitingUntil !== null && facts.pushedAt <= waitingUntil) return "waiting";
    if (untaggedBefore === null || facts.since >= untaggedBefore) return "young";
    return facts.since >= seenBefore ? "young" : null;
  }

  /**
   * The manifest and all that is above it, the highest first, when there is no root among them; else
   * null. Depth first with a stack of our own, each digest once: a chain may be deeper than the engine's
   * stack, and where many ways lead up to one they may be more than there is time for.
   */
  #above(id: number, start: Digest): Doomed[] | null {
    const done: Doomed[] = [];
    const visited = new Set<Digest>();
    const stack: { digest: Digest; facts: Facts; above: Digest[] }[] = [];
    /** Whether it is a root, or known to be below one. */
    const enter = (digest: Digest): boolean => {
      if (visited.has(digest)) return false;
      visited.add(digest);
      if (this.#needed.has(`${id} ${digest}`)) return true;
      const facts = this.sql.manifest.get({ id, digest });
      // A subject need not be here.
      if (!facts) return false;
      if (this.#rootBecause(digest, facts)) return true;
      if (this.sql.taggedParent.get({ id, digest })) return true;
      const above = this.sql.parents.all({ id, digest }).map(({ manifest }) => manifest);
      if (facts.subject !== null) above.push(facts.subject);
      stack.push({ digest, facts, above });
      return false;
    };
    let kept = enter(start);
    for (let top = stack.at(-1); top && !kept; top = stack.at(-1)) {
      const next = top.above.pop();
      if (next !== undefined) {
        kept = enter(next);
        continue;
      }
      stack.pop();
      done.push({ digest: top.digest, reason: inWords(top.facts) });
    }
    if (!kept) return done;
    // Those are the way from the item up to the root.
    for (const { digest } of stack) this.#needed.add(`${id} ${digest}`);
    return null;
  }

  #removal(reason: string): Removal {
    return { run: this.policy.run, at: this.policy.now, reason, by: null };
  }
}

interface Doomed {
  readonly digest: Digest;
  readonly reason: string;
}

function inWords({ untaggedAt }: Facts): string {
  return untaggedAt === null
    ? "no tag names it"
    : `untagged since ${new Date(untaggedAt).toISOString()}`;
}

interface Facts {
  readonly pushedAt: number;
  readonly untaggedAt: number | null;
  /** The moment from which its age counts. */
  readonly since: number;
  readonly subject: Digest | null;
  readonly tagged: 0 | 1;
}

type Named = { id: number; digest: string };
type Statements = ReturnType<typeof statements>;

function statements(db: Database) {
  return {
    repository: db.query<{ id: number }, { name: string }>(
      "SELECT id FROM repositories WHERE name = $name",
    ),
    manifest: db.query<Facts, Named>(
      `SELECT pushed_at AS pushedAt, untagged_at AS untaggedAt, subject, ${MANIFEST_SINCE} AS since,
              EXISTS (SELECT 1 FROM tags t WHERE t.repository_id = $id AND t.digest = $digest) AS tagged
         FROM manifests m WHERE repository_id = $id AND digest = $digest`,
    ),
    /**
     * The common case, answered without reading all parents: a base image may have very many. CROSS JOIN:
     * in this order, or all tags of the repository would be read.
     */
    taggedParent: db.query<{ one: 1 }, Named>(
      `SELECT 1 AS one FROM manifest_references r
        CROSS JOIN tags t ON t.repository_id = r.repository_id AND t.digest = r.manifest
        WHERE r.repository_id = $id AND r.digest = $digest LIMIT 1`,
    ),
    parents: db.query<{ manifest: Digest }, Named>(
      "SELECT manifest FROM manifest_references WHERE repository_id = $id AND digest = $digest",
    ),
    link: db.query<{ linkedAt: number; seenAt: number }, Named>(
      `SELECT linked_at AS linkedAt, seen_at AS seenAt FROM repository_blobs
        WHERE repository_id = $id AND digest = $digest`,
    ),
    neededBy: db.query<{ one: 1 }, Named>(
      `SELECT 1 AS one FROM manifest_references
        WHERE repository_id = $id AND digest = $digest LIMIT 1`,
    ),
    postpone: db.query(
      "UPDATE review SET since = $since WHERE repository_id = $id AND digest = $digest AND kind = $kind",
    ),
    unreview: db.query(
      "DELETE FROM review WHERE repository_id = $id AND digest = $digest AND kind = $kind",
    ),
  };
}
