import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { StateClock } from "./state-clock.ts";

const DAY = 24 * 3_600_000;

/** What was not listed for so long belongs to a repository or a registry that is no more. */
const FORGOTTEN_MS = 400 * DAY;

/**
 * Rows of what no list of the registry has confirmed: anybody may tell of anything. Beyond it the oldest
 * are forgotten, which makes a tag seem pushed later than it was, and never earlier.
 */
const MOST_TOLD = 100_000;

/** Pulls that wait in memory; beyond it they are written at once. */
const MOST_WAITING = 10_000;

interface Told {
  readonly registry: string;
  readonly repository: RepositoryName;
  readonly at: number;
}

export interface ToldPush extends Told {
  readonly tag: Tag;
  readonly digest: Digest | null;
}

export interface ToldPull extends Told {
  readonly digest: Digest;
}

interface TagRow {
  readonly tag: Tag;
  readonly digest: Digest | null;
  readonly pushed_at: number;
  readonly listed_at: number | null;
}

interface PullRow {
  readonly pulled_at: number;
  readonly listed_at: number | null;
}

interface TimesOptions {
  /** Rows of what was only told. */
  readonly most?: number;
  readonly lost?: () => void;
}

/** When tags were pushed and manifests pulled. Pushes are durable when they return, pulls a minute later. */
export class Times {
  readonly #db: Database;
  readonly #most: number;
  readonly #pulls = new Map<string, ToldPull>();
  readonly #lost: () => void;
  readonly #clock: StateClock;
  #dropped = 0;

  /** `lost`: is called when pulls were forgotten that may have been of images that are there. */
  constructor(db: Database, { most = MOST_TOLD, lost = () => undefined }: TimesOptions = {}) {
    this.#db = db;
    this.#most = most;
    this.#lost = lost;
    this.#clock = new StateClock(db);
  }

  /** Rows of what was told and never listed that were forgotten, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A push is never earlier than one that is known: who tells it late or wrongly only makes a tag younger. */
  tellPushes(pushes: readonly ToldPush[]): void {
    if (pushes.length === 0) return;
    const put = this.#db.query(
      `INSERT INTO tags (registry, repository, tag, digest, pushed_at) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT DO UPDATE SET digest = ?4, pushed_at = max(pushed_at, ?5)`,
    );
    this.#db.transaction(() => {
      for (const { registry, repository, tag, digest, at } of pushes) {
        put.run(registry, repository, tag, digest, at);
      }
      this.#bound("tags", "pushed_at");
    })();
  }

  tellPulls(pulls: readonly ToldPull[]): void {
    for (const pull of pulls) {
      const key = `${pull.registry} ${pull.repository}@${pull.digest}`;
      const known = this.#pulls.get(key);
      if (!known || known.at < pull.at) this.#pulls.set(key, pull);
      if (this.#pulls.size >= MOST_WAITING) this.flush();
    }
  }

  /** Writes down the pulls that wait. */
  flush(): void {
    if (this.#pulls.size === 0) return;
    const put = this.#db.query(
      `INSERT INTO pulls (registry, repository, digest, pulled_at) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET pulled_at = max(pulled_at, ?4)`,
    );
    this.#db.transaction(() => {
      for (const { registry, repository, digest, at } of this.#pulls.values()) {
        put.run(registry, repository, digest, at);
      }
      this.#bound("pulls", "pulled_at");
    })();
    this.#pulls.clear();
  }

  /** See `TagTimes.pushed`. */
  list(
    registry: string,
    repository: RepositoryName,
    tags: readonly { readonly tag: Tag; readonly digest: Digest }[],
    now: number,
  ): Map<Tag, number> {
    const put = this.#db.query(
      `INSERT INTO tags (registry, repository, tag, digest, pushed_at, listed_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT DO UPDATE SET digest = ?4, pushed_at = ?5, listed_at = ?6`,
    );
    const drop = this.#db.query(
      "DELETE FROM tags WHERE registry = ?1 AND repository = ?2 AND tag = ?3",
    );
    const answer = new Map<Tag, number>();
    this.#db
      .transaction(() => {
        const clock = this.#clock.look(registry, now);
        if (clock === "settled") this.#bringBack(registry, now);
        const known = new Map(this.#rows(registry, repository).map((row) => [row.tag, row]));
        for (const { tag, digest } of tags) {
          const row = known.get(tag);
          const same = row && (row.digest === digest || row.digest === null);
          // A time in the future is a clock that was wrong, and would keep the tag until then.
          const pushed = same ? Math.min(row.pushed_at, now) : now;
          answer.set(tag, pushed);
          if (clock === "behind") continue;
          const fresh = row?.listed_at && now - row.listed_at < DAY && row.listed_at <= now;
          if (same && row.digest !== null && pushed === row.pushed_at && fresh) continue;
          put.run(registry, repository, tag, digest, pushed, now);
        }
        if (clock === "behind") return;
        for (const { tag, listed_at } of known.values()) {
          // What was only told of may have been pushed since the list was made.
          if (!answer.has(tag) && listed_at !== null) drop.run(registry, repository, tag);
        }
      })
      .immediate();
    return answer;
  }

  /** See `TagTimes.pulled`. */
  pulled(
    registry: string,
    repository: RepositoryName,
    digests: readonly Digest[],
    now: number,
  ): Map<Digest, number> {
    this.flush();
    const get = this.#db.query(
      `SELECT pulled_at, listed_at FROM pulls
       WHERE registry = ?1 AND repository = ?2 AND digest = ?3`,
    );
    const confirm = this.#db.query(
      `UPDATE pulls SET listed_at = ?4
       WHERE registry = ?1 AND repository = ?2 AND digest = ?3`,
    );
    const answer = new Map<Digest, number>();
    // It reads before it writes: begun otherwise, it would fail at once when another process has written.
    const read = this.#db.transaction(() => {
      for (const digest of digests) {
        const row = get.get(registry, repository, digest) as PullRow | null;
        if (!row) continue;
        answer.set(digest, row.pulled_at);
        const stale = row.listed_at === null || now - row.listed_at >= DAY;
        if (stale) confirm.run(registry, repository, digest, now);
      }
    });
    read.immediate();
    return answer;
  }

  /** Forgets what belongs to nothing any more. */
  tidy(now: number): void {
    for (const table of ["tags", "pulls"]) {
      this.#db.run(`DELETE FROM ${table} WHERE listed_at < ?1`, [now - FORGOTTEN_MS]);
    }
  }

  /** What a clock that was ahead has written lies in the past of none. */
  #bringBack(registry: string, now: number): void {
    this.#db
      .query(
        `UPDATE tags SET pushed_at = min(pushed_at, ?2), listed_at = min(listed_at, ?2)
         WHERE registry = ?1 AND (pushed_at > ?2 OR listed_at > ?2)`,
      )
      .run(registry, now);
  }

  #rows(registry: string, repository: RepositoryName): TagRow[] {
    return this.#db
      .query(
        `SELECT tag, digest, pushed_at, listed_at FROM tags
         WHERE registry = ?1 AND repository = ?2`,
      )
      .all(registry, repository) as TagRow[];
  }

  #bound(table: "tags" | "pulls", by: "pushed_at" | "pulled_at"): void {
    const { told } = this.#db
      .query(`SELECT count(*) AS told FROM ${table} WHERE listed_at IS NULL`)
      .get() as { told: number };
    if (told <= this.#most) return;
    // Some more than needed: the next ones shall not have to count again for room of one.
    const gone = told - this.#most + Math.floor(this.#most / 10);
    const key = table === "tags" ? "tag" : "digest";
    this.#db.run(
      `DELETE FROM ${table} WHERE (registry, repository, ${key}) IN
         (SELECT registry, repository, ${key} FROM ${table}
          WHERE listed_at IS NULL ORDER BY ${by} LIMIT ?1)`,
      [gone],
    );
    this.#dropped += gone;
    if (table === "pulls") this.#lost();
  }
}
